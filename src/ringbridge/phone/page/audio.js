// The handset: the microphone and the loudspeaker of this machine.

const RATE = 8000;
const SPEECH_BAND = 3400; // Hz: what lies above would be folded into it

async function context(options) {
  const made = new AudioContext({ latencyHint: "interactive", ...options });
  await made.audioWorklet.addModule("/worklet.js");
  await made.resume();
  return made;
}

function meter(node) {
  const analyser = new AnalyserNode(node.context, { fftSize: 256 });
  const samples = new Float32Array(analyser.fftSize);
  node.connect(analyser);
  return () => {
    analyser.getFloatTimeDomainData(samples);
    return Math.min(1, 4 * Math.sqrt(samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length));
  };
}

export class Handset {
  #media;
  #contexts = [];
  #speaker;

  /** 0 to 1: how loud it is now, at either end. */
  levels;

  /** Takes the microphone, which the browser may ask the user about. `hear` is called with each 20 ms of mu-law. */
  static async open(hear) {
    const handset = new Handset();
    try {
      await handset.#open(hear);
      return handset;
    } catch (error) {
      handset.close();
      throw error;
    }
  }

  async #open(hear) {
    this.#media = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    const main = await this.#context({ sampleRate: RATE });
    const voice = await this.#voice(main);
    const microphone = new AudioWorkletNode(voice.context, "microphone", { numberOfOutputs: 0, channelCount: 1 });
    microphone.port.onmessage = ({ data }) => hear(data);
    voice.connect(microphone);
    this.#speaker = new AudioWorkletNode(main, "loudspeaker", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#speaker.connect(main.destination);
    this.levels = { caller: meter(voice), agent: meter(this.#speaker) };
  }

  /** The microphone in a context of 8 kHz; where a browser does not resample it (Firefox), in one of its own rate. */
  async #voice(main) {
    try {
      return new MediaStreamAudioSourceNode(main, { mediaStream: this.#media });
    } catch (error) {
      if (error.name !== "NotSupportedError") throw error;
    }
    const own = await this.#context({});
    let voice = new MediaStreamAudioSourceNode(own, { mediaStream: this.#media });
    for (const Q of [-5.3, 2.3]) {
      // in dB: two in a row are a Butterworth filter of the fourth order
      const low = new BiquadFilterNode(own, { type: "lowpass", frequency: SPEECH_BAND, Q });
      voice.connect(low);
      voice = low;
    }
    return voice;
  }

  async #context(options) {
    const made = await context(options);
    this.#contexts.push(made);
    return made;
  }

  set muted(muted) {
    for (const track of this.#media.getAudioTracks()) track.enabled = !muted;
  }

  /** 20 ms of mu-law, to be heard. */
  play(frame) {
    this.#speaker.port.postMessage(frame, [frame]);
  }

  /** What was given but has not been heard, will not be. */
  clear() {
    this.#speaker.port.postMessage("clear");
  }

  /** Gives microphone and loudspeaker back. */
  close() {
    for (const track of this.#media?.getTracks() ?? []) track.stop();
    for (const made of this.#contexts.splice(0)) made.close();
  }
}
