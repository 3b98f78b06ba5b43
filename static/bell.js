/**
 * The bell: two soft notes when it is somebody's turn, for those who asked for them. Browsers let a
 * page sound only after it was touched, so it is always switched on by hand.
 */

/** The notes, in hertz, and when each begins, in seconds. @type {[hertz:number, at:number][]} */
const NOTES = [
  [659.3, 0],
  [880, 0.24],
];
/** How long a note takes to fade, in seconds, and how loud it begins. */
const FADE_S = 1.1;
const LOUDNESS = 0.22;

export class Bell {
  /** @type {AudioContext | null} */
  #air = null;

  /** @param {HTMLInputElement} box switches it on and off @param {HTMLElement} label goes with it; it is
   *  hidden where the browser has no sound */
  constructor(box, label) {
    label.hidden = !Bell.can_ring();
    box.addEventListener("change", () => {
      void this.#air?.close();
      this.#air = box.checked ? new AudioContext() : null;
      this.ring(); // so that one hears what to listen for
    });
  }

  /** Whether this browser has sound at all. */
  static can_ring() {
    return "AudioContext" in globalThis;
  }

  /** Rings, where it is switched on. */
  ring() {
    const air = this.#air;
    if (!air) return;
    void air.resume();
    for (const [hertz, at] of NOTES) {
      const [note, loudness] = [air.createOscillator(), air.createGain()];
      const start = air.currentTime + at;
      note.frequency.value = hertz;
      loudness.gain.setValueAtTime(LOUDNESS, start);
      loudness.gain.exponentialRampToValueAtTime(0.0001, start + FADE_S);
      note.connect(loudness).connect(air.destination);
      note.start(start);
      note.stop(start + FADE_S);
    }
  }
}
