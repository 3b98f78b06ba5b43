//! The draw: everybody has a number, nobody has another's, and it is the one anybody works out.

use proptest::prelude::*;

use super::*;

fn draw(secret: u8, count: u64) -> Draw {
    let head = Head { epoch: 3, seq: 9, chain: [secret ^ 0x5a; 32] };
    Draw { secret: DrawSecret([secret; 32]), head, count }
}

#[test]
fn every_draw_gives_every_number_once_all_at_once_or_one_by_one() {
    for count in 0..300 {
        let draw = draw(1, count);
        let numbers = draw.numbers();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (1..=count).collect::<Vec<_>>());
        for (arrival, number) in (1..).zip(&numbers) {
            assert_eq!(draw.number_of(arrival), Some(*number), "arrival {arrival} of {count}");
        }
        assert_eq!(draw.number_of(0), None);
        assert_eq!(draw.number_of(count + 1), None);
    }
}

/// Worked out by another program, from the rule in `docs/protocol.md`.
#[test]
fn the_draw_is_the_one_the_rule_says() {
    let bytes = |first: u8| std::array::from_fn(|at| first + at as u8);
    let head = Head { epoch: 1, seq: 1, chain: bytes(32) };
    let draw = |count| Draw { secret: DrawSecret(bytes(0)), head, count };
    assert_eq!(draw(2).numbers(), [2, 1]);
    assert_eq!(draw(10).numbers(), [1, 9, 2, 8, 6, 5, 10, 3, 7, 4]);
    let thousand = draw(1_000).numbers();
    assert_eq!(thousand[..8], [198, 338, 232, 680, 76, 392, 555, 177]);
    assert_eq!(thousand[997..], [678, 224, 24]);
    assert_eq!(
        draw(0).secret.commitment().to_string(),
        "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
    );
    let hamlet = ShowId::parse("hamlet").unwrap();
    let alias = Alias::of(&hamlet, SessionId(Uuid::from_u128(1)));
    assert_eq!(alias.to_string(), "856595faf8103b48aa098e48ad18fd88");
}

#[test]
fn nobody_is_drawn_first_more_often_than_others() {
    // 256 secrets, 8 people: each is to have each number about 32 times. Always the same secrets.
    let mut had = [[0_u32; 8]; 8];
    for secret in 0..=255 {
        for (arrival, number) in draw(secret, 8).numbers().into_iter().enumerate() {
            had[arrival][number as usize - 1] += 1;
        }
    }
    for (arrival, counts) in had.iter().enumerate() {
        assert!(counts.iter().all(|count| (12..=56).contains(count)), "{arrival}: {counts:?}");
    }
}

#[test]
fn the_secret_is_not_shown_by_accident_and_told_in_hex_on_purpose() {
    let secret = DrawSecret([0xab; 32]);
    assert!(!format!("{secret:?}").contains("ab"));
    assert_eq!(secret.as_hex(), "ab".repeat(32));
    let json = serde_json::to_string(&secret).unwrap();
    assert_eq!(serde_json::from_str::<DrawSecret>(&json).unwrap(), secret);
    for wrong in ["\"\"", "\"ab\"", &format!("\"{}\"", "g".repeat(64)), "7"] {
        assert!(serde_json::from_str::<DrawSecret>(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_secret_and_another_head_are_another_draw(
        secret in any::<u8>(),
        other in any::<u8>(),
        count in 40..400_u64,
    ) {
        let mut changed = draw(secret, count);
        changed.head.chain[31] ^= 1;
        prop_assert_ne!(draw(secret, count).numbers(), changed.numbers());
        if secret != other {
            prop_assert_ne!(draw(secret, count).numbers(), draw(other, count).numbers());
        }
    }
}
