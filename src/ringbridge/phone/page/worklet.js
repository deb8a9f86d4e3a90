// The two ends of the line, on the browser's audio thread. What passes their ports is 20 ms of mu-law at 8 kHz.

import { encode, SAMPLES } from "./mulaw.js";

const RATE = 8000;
const FRAME = 160;

/** Cuts what the microphone hears into frames. Another rate than 8 kHz is brought down to it. */
class Microphone extends AudioWorkletProcessor {
  #step = sampleRate / RATE;
  #at = 0; // where the next sample lies, counted from the last one of the block before
  #last = 0;
  #frame = new Uint8Array(FRAME);
  #filled = 0;

  process([[block]]) {
    if (!block) return true; // nothing is connected any more
    for (; this.#at < block.length; this.#at += this.#step) {
      const next = Math.floor(this.#at);
      const before = next ? block[next - 1] : this.#last;
      this.#put(encode(before + (block[next] - before) * (this.#at - next)));
    }
    this.#at -= block.length;
    this.#last = block[block.length - 1];
    return true;
  }

  #put(byte) {
    this.#frame[this.#filled++] = byte;
    if (this.#filled < FRAME) return;
    this.port.postMessage(this.#frame.buffer, [this.#frame.buffer]);
    this.#frame = new Uint8Array(FRAME);
    this.#filled = 0;
  }
}

const CUSHION = 3 * FRAME; // 60 ms wait before speech begins: a frame may then be so late without a hole in a word
const WIDEST = 12 * FRAME; // as far as that grows, with each hole
const SURPLUS = 5 * FRAME; // of what comes while so much more waits, silence is left out: no delay adds up
const MOST = RATE; // a second: the oldest goes

const isSilent = (byte) => (byte | 0x80) >= 0xf0;

/** Plays frames in order, whenever they come. The message "clear" empties it at once. */
class Loudspeaker extends AudioWorkletProcessor {
  #ring = new Float32Array(MOST);
  #read = 0;
  #written = 0;
  #cushion = CUSHION;
  #playing = false;
  #speech = false; // whether the last frame was any
  #last = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => (data === "clear" ? this.#clear() : this.#take(new Uint8Array(data)));
  }

  process(_, [[block]]) {
    if (this.#written - this.#read >= this.#cushion) this.#playing = true;
    for (let i = 0; i < block.length; i++) {
      if (this.#playing && this.#read === this.#written) this.#runDry();
      // What breaks off fades within a few ms: a step would click.
      this.#last = this.#playing ? this.#ring[this.#read++ % MOST] : this.#last * 0.9;
      block[i] = this.#last;
    }
    return true;
  }

  #runDry() {
    this.#playing = false;
    if (this.#speech) this.#cushion = Math.min(this.#cushion + 2 * FRAME, WIDEST);
  }

  #clear() {
    this.#read = this.#written;
    this.#speech = false;
  }

  #take(frame) {
    this.#speech = !frame.every(isSilent);
    if (!this.#speech && this.#written - this.#read >= this.#cushion + SURPLUS) return;
    for (const byte of frame) this.#ring[this.#written++ % MOST] = SAMPLES[byte];
    this.#read = Math.max(this.#read, this.#written - MOST);
  }
}

registerProcessor("microphone", Microphone);
registerProcessor("loudspeaker", Loudspeaker);
