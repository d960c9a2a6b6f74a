import { createHash } from 'node:crypto'

/**
 * Everything of a subject lies in one bucket, and all keys of a bucket have one hash tag and so one slot of a Cluster.
 * The bucket is the first bits of SHA-256(subject), with which every identifier of a session and a token begins
 * (`core/token/identifier.ts`).
 */
export interface Bucket {
  readonly number: number
  /** What the names of its keys begin with. */
  readonly base: string
  /**
   * The keys that a script declares: the bucket's `meta`, and one that never exists. While a Cluster moves a slot, its
   * keys are in two places, and a script that found one missing would take it for gone. Of two declared keys one of which
   * is missing, both nodes answer TRYAGAIN: nothing runs until all of the bucket is in one place again.
   */
  readonly keys: readonly [meta: string, absent: string]
}

export interface Buckets {
  readonly all: readonly Bucket[]
  /** The bucket in which what concerns everybody is decided first. */
  readonly first: Bucket
  ofSubject(subject: string): Bucket
  /** Null where the identifier begins with no place. */
  ofId(id: string): Bucket | null
}

/** Bits of the place in an identifier. */
const PLACE_BITS = 16

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const newBucket = (prefix: string, number: number): Bucket => {
  const base = `${prefix}:{b${number}}:`
  return { number, base, keys: [`${base}meta`, `${base}absent`] }
}

/** `count` is a power of two, at most 2 ** 16. */
export const createBuckets = (prefix: string, count: number): Buckets => {
  const all = Array.from({ length: count }, (_, number) => newBucket(prefix, number))
  const dropped = PLACE_BITS - Math.log2(count)

  const at = (place: number): Bucket => {
    const bucket = all[place >> dropped]
    if (bucket === undefined) throw new RangeError(`there is no place ${place}`)
    return bucket
  }

  return {
    all,
    first: at(0),
    ofSubject: (subject) => at(createHash('sha256').update(subject).digest().readUInt16BE(0)),
    ofId: (id) => {
      // Three characters of base64url are 18 bits.
      const [a, b, c] = [ALPHABET.indexOf(id.charAt(0)), ALPHABET.indexOf(id.charAt(1)), ALPHABET.indexOf(id.charAt(2))]
      // `charAt` beyond the end is '', which every text holds at 0.
      if (id.length < 3 || a < 0 || b < 0 || c < 0) return null
      return at(((a << 12) | (b << 6) | c) >> 2)
    },
  }
}
