/** Seeded pseudo-random numbers (xoshiro128**): the same seed gives the same run. Not for secrets. */
export interface Prng {
  /** A double in [0, 1). */
  next(): number
  /** An integer in [0, bound). */
  int(bound: number): number
  /** An independent generator, named so that adding one does not shift the others. */
  fork(name: string): Prng
}

function splitmix32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
}

function hashName(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0
  }
  return hash
}

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k))

export function createPrng(seed: number): Prng {
  const mix = splitmix32(seed)
  let a = mix()
  let b = mix()
  let c = mix()
  let d = mix()
  const nextU32 = (): number => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotl(d, 11)
    return result
  }
  const next = (): number => (nextU32() * 2097152 + (nextU32() >>> 11)) / 9007199254740992
  return {
    next,
    int: (bound) => Math.floor(next() * bound),
    fork: (name) => createPrng(hashName(seed, name))
  }
}
