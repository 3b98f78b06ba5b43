//! The frames, tried with bytes cut anywhere.

use proptest::prelude::*;

use super::*;

/// A frame as a client sends it: masked.
fn client_frame(is_final: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xFA, 0x21, 0x3D];
    let mut bytes = vec![if is_final { 0x80 } else { 0 } | opcode as u8];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | length as u8),
        length @ 126..=0xFFFF => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
    bytes
}

fn read_all(reader: &mut Reader, pieces: &[&[u8]]) -> Result<Vec<Message>, Fault> {
    let mut messages = Vec::new();
    for piece in pieces {
        let mut next = reader.read(piece)?;
        while let Some(message) = next {
            messages.push(message);
            next = reader.read(&[])?;
        }
    }
    Ok(messages)
}

fn fault_of(bytes: &[u8]) -> Option<Fault> {
    read_all(&mut Reader::new(MESSAGE_BYTES_MAX), &[bytes]).err()
}

#[test]
fn the_example_of_the_rfc_is_read_as_hello() {
    let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let read = read_all(&mut Reader::new(MESSAGE_BYTES_MAX), &[&bytes]);
    assert_eq!(read, Ok(vec![Message::Text("Hello".to_owned())]));
}

#[test]
fn a_ping_between_the_fragments_of_a_message_is_read_on_its_own() {
    let mut bytes = client_frame(false, Opcode::Text, b"two ");
    bytes.extend(client_frame(true, Opcode::Ping, b"?"));
    bytes.extend(client_frame(true, Opcode::Continuation, b"seats"));
    let read = read_all(&mut Reader::new(MESSAGE_BYTES_MAX), &[&bytes]);
    let expected = vec![Message::Ping(b"?".to_vec()), Message::Text("two seats".to_owned())];
    assert_eq!(read, Ok(expected));
}

#[test]
fn what_a_client_must_not_send_is_a_fault_of_its_kind() {
    let unmasked = frame(Opcode::Text, b"hi");
    let mut reserved = client_frame(true, Opcode::Text, b"hi");
    reserved[0] |= 0x40;
    let mut not_shortest = client_frame(true, Opcode::Text, &[b'x'; 200]);
    not_shortest[2..4].copy_from_slice(&[0, 12]);
    let nested = [client_frame(false, Opcode::Text, b"a"), client_frame(true, Opcode::Text, b"b")];
    let long = vec![b'x'; MESSAGE_BYTES_MAX + 1];
    let halves = [
        client_frame(false, Opcode::Text, &long[..4000]),
        client_frame(true, Opcode::Continuation, &long[..97]),
    ];
    let cases: [(&str, &[u8], Fault); 13] = [
        ("unmasked", &unmasked, Fault::Malformed),
        ("a reserved bit", &reserved, Fault::Malformed),
        ("a reserved opcode", &[0x83, 0x80], Fault::Malformed),
        ("a length not in its shortest form", &not_shortest, Fault::Malformed),
        ("a ping in pieces", &client_frame(false, Opcode::Ping, b""), Fault::Malformed),
        ("a long ping", &client_frame(true, Opcode::Ping, &[0; 126]), Fault::Malformed),
        ("the end of nothing", &client_frame(true, Opcode::Continuation, b""), Fault::Malformed),
        ("a message in a message", &nested.concat(), Fault::Malformed),
        ("half a close code", &client_frame(true, Opcode::Close, &[3]), Fault::Malformed),
        (
            "a close code not to be sent",
            &client_frame(true, Opcode::Close, &[3, 0xED]),
            Fault::Malformed,
        ),
        ("text that is none", &client_frame(true, Opcode::Text, &[0xC3, 0x28]), Fault::NotUtf8),
        ("a long message", &client_frame(true, Opcode::Text, &long), Fault::TooLong),
        ("a long message in pieces", &halves.concat(), Fault::TooLong),
    ];
    for (what, bytes, fault) in cases {
        assert_eq!(fault_of(bytes), Some(fault), "{what}");
    }
}

#[test]
fn a_message_too_long_is_refused_by_its_header_alone() {
    let bytes = client_frame(true, Opcode::Text, &[b'x'; MESSAGE_BYTES_MAX + 1]);
    assert_eq!(fault_of(&bytes[..4]), Some(Fault::TooLong));
    let exact = client_frame(true, Opcode::Text, &[b'x'; MESSAGE_BYTES_MAX]);
    assert_eq!(fault_of(&exact), None);
}

#[test]
fn a_reader_between_messages_keeps_no_memory() {
    let mut reader = Reader::new(MESSAGE_BYTES_MAX);
    let bytes = client_frame(true, Opcode::Text, &[b'x'; 300]);
    assert_eq!(reader.read(&bytes[..100]), Ok(None));
    assert!(reader.is_within_message());
    assert!(matches!(reader.read(&bytes[100..]), Ok(Some(Message::Text(_)))));
    assert!(!reader.is_within_message());
    assert_eq!(reader.waiting_capacity(), 0);
}

#[test]
fn a_servers_header_tells_the_length_in_its_shortest_form() {
    for (length, header) in [
        (0, vec![0x82, 0]),
        (125, vec![0x82, 125]),
        (126, vec![0x82, 126, 0, 126]),
        (0xFFFF, vec![0x82, 126, 0xFF, 0xFF]),
        (0x1_0000, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let bytes = frame(Opcode::Binary, &vec![7; length]);
        assert_eq!(bytes[..header_length(length)], header);
        assert_eq!(bytes.len(), header.len() + length);
    }
}

#[test]
fn a_close_frame_carries_its_code_and_a_reason_cut_at_a_character() {
    let bytes = close_frame(CloseCode::Idle, &"é".repeat(100));
    assert_eq!(bytes[..4], [0x88, 124, 0x0F, 0xA8]);
    assert_eq!(std::str::from_utf8(&bytes[4..]), Ok("é".repeat(61).as_str()));
    for code in CloseCode::ALL {
        assert_eq!(CloseCode::of(code.number()), Some(code));
    }
}

/// A message in one frame or several, maybe with a ping between.
fn spoken() -> impl Strategy<Value = (Vec<u8>, Vec<Message>)> {
    let text = ("\\PC{0,80}", any::<bool>(), any::<bool>()).prop_map(|(text, in_two, pinged)| {
        let bytes = text.as_bytes();
        let message = Message::Text(text.clone());
        if !in_two {
            return (client_frame(true, Opcode::Text, bytes), vec![message]);
        }
        let (head, tail) = bytes.split_at(bytes.len() / 2);
        let mut frames = client_frame(false, Opcode::Text, head);
        let mut messages = Vec::new();
        if pinged {
            frames.extend(client_frame(true, Opcode::Ping, b"are you there"));
            messages.push(Message::Ping(b"are you there".to_vec()));
        }
        frames.extend(client_frame(true, Opcode::Continuation, tail));
        messages.push(message);
        (frames, messages)
    });
    let binary = proptest::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| {
        (client_frame(true, Opcode::Binary, &bytes), vec![Message::Binary(bytes)])
    });
    let pong = Just((client_frame(true, Opcode::Pong, b""), vec![Message::Pong]));
    prop_oneof![4 => text, 2 => binary, 1 => pong]
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_reads_as_the_same_messages(
        spoken in proptest::collection::vec(spoken(), 0..12),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes: Vec<u8> = spoken.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let expected: Vec<Message> = spoken.into_iter().flat_map(|(_, messages)| messages).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        let mut reader = Reader::new(MESSAGE_BYTES_MAX);
        prop_assert_eq!(read_all(&mut reader, &pieces), Ok(expected));
        prop_assert!(!reader.is_within_message());
    }

    #[test]
    fn any_bytes_at_all_are_read_or_refused_the_same_however_they_are_cut(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = read_all(&mut Reader::new(64), &[&bytes]);
        let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
        let in_two = read_all(&mut Reader::new(64), &[head, tail]);
        prop_assert_eq!(whole, in_two);
    }
}
