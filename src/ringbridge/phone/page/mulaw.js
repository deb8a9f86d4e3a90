// G.711 mu-law (ITU-T G.711 section 3): one byte a sample, of 16-bit range, in place of one from -1 to 1.

const BIAS = 0x84;
const CLIP = 32635;

/** The mu-law byte of a sample from -1 to 1. */
export function encode(sample) {
  const linear = Math.max(-CLIP, Math.min(CLIP, Math.round(sample * 32768)));
  const biased = Math.abs(linear) + BIAS;
  const segment = 24 - Math.clz32(biased);
  return ~((linear < 0 ? 0x80 : 0) | (segment << 4) | ((biased >> (segment + 3)) & 0x0f)) & 0xff;
}

function linear(byte) {
  const code = ~byte;
  const magnitude = (((code & 0x0f) << 3) + BIAS) << ((code & 0x70) >> 4);
  return (code & 0x80 ? BIAS - magnitude : magnitude - BIAS) / 32768;
}

/** The sample of each mu-law byte. */
export const SAMPLES = Float32Array.from({ length: 256 }, (_, byte) => linear(byte));
