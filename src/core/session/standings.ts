/** Whether a token or a session is revoked, as the last entry of the log says. */
export interface Standing {
  readonly revoked: boolean
  /** Of two entries the higher one counts. */
  readonly version: number
  readonly expiresAtMs: number
}

/**
 * Standings by identifier, packed into typed arrays: a million live entries take less than 64 MB, where a Map of objects
 * takes three times as much. The table is cut into segments, so that no growing and no pruning holds the process up.
 */
export interface Standings {
  isRevoked(id: string): boolean
  /** Notes an entry; an older one than is known changes nothing. */
  apply(id: string, standing: Standing): void
  /** Forgets entries of some segments that have lapsed; all segments have their turn within `SEGMENTS` calls. */
  prune(nowMs: number, segments?: number): void
  readonly size: number
  /** Bytes of the typed arrays. */
  readonly bytes: number
}

/** Our identifiers: 18 bytes as base64url (`core/token/identifier.ts`). Others are kept as they are. */
const ID_CHARACTERS = 24
const ID_BYTES = 18

/** Of identifier, version, expiry and state. */
const SLOT_BYTES = ID_BYTES + 8 + 4 + 1

export const SEGMENTS = 256
const SMALLEST = 8
/** Slots in use at most, of a hundred; beyond it a segment grows by a quarter. */
const FULL = 0.75
const GROWTH = 1.25

const EMPTY = 0
const REVOKED = 1
const RESTORED = 2

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const VALUES = new Uint8Array(128).fill(255)
for (const [value, character] of Array.from(ALPHABET).entries()) VALUES[character.charCodeAt(0)] = value

/** The bytes of the identifier that is being looked at; nothing is kept in it between two calls. */
const scratch = new Uint8Array(ID_BYTES)

/** Unpacks an identifier into `scratch`, and tells whether it is one of ours. */
const unpack = (id: string): boolean => {
  if (id.length !== ID_CHARACTERS) return false
  let seen = 0
  for (let from = 0, to = 0; from < ID_CHARACTERS; from += 4, to += 3) {
    let bits = 0
    for (let offset = 0; offset < 4; offset++) {
      const value = VALUES[id.charCodeAt(from + offset)] ?? 255
      seen |= value
      bits = (bits << 6) | value
    }
    scratch[to] = bits >> 16
    scratch[to + 1] = bits >> 8
    scratch[to + 2] = bits
  }
  return seen < 64
}

const byteAt = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0

/** 32 of the random bits behind those that name the subject's place. */
const hashAt = (bytes: Uint8Array, offset: number): number =>
  ((byteAt(bytes, offset + 4) << 24) |
    (byteAt(bytes, offset + 5) << 16) |
    (byteAt(bytes, offset + 6) << 8) |
    byteAt(bytes, offset + 7)) >>>
  0

interface Segment {
  readonly capacity: number
  readonly ids: Uint8Array
  readonly versions: Float64Array
  /** Seconds, rounded up. */
  readonly expiries: Uint32Array
  readonly states: Uint8Array
  count: number
}

const createSegment = (capacity: number): Segment => ({
  capacity,
  ids: new Uint8Array(capacity * ID_BYTES),
  versions: new Float64Array(capacity),
  expiries: new Uint32Array(capacity),
  states: new Uint8Array(capacity),
  count: 0,
})

/** The slot at which an identifier belongs, whatever the capacity. */
const homeOf = (hash: number, { capacity }: Segment): number => Math.floor((hash / 0x1_0000_0000) * capacity)

const isAt = ({ ids }: Segment, slot: number): boolean => {
  const offset = slot * ID_BYTES
  // From the end: the first bytes are alike in all identifiers of a subject.
  for (let index = ID_BYTES - 1; index >= 0; index--) if (ids[offset + index] !== scratch[index]) return false
  return true
}

/** The slot that holds the identifier in `scratch`, or the free one where it belongs. */
const slotOf = (segment: Segment): number => {
  let slot = homeOf(hashAt(scratch, 0), segment)
  while (segment.states[slot] !== EMPTY && !isAt(segment, slot)) slot = slot + 1 === segment.capacity ? 0 : slot + 1
  return slot
}

const copySlot = (from: Segment, slot: number, to: Segment): void => {
  const offset = slot * ID_BYTES
  scratch.set(from.ids.subarray(offset, offset + ID_BYTES))
  const target = slotOf(to)
  to.ids.set(scratch, target * ID_BYTES)
  to.versions[target] = from.versions[slot] ?? 0
  to.expiries[target] = from.expiries[slot] ?? 0
  to.states[target] = from.states[slot] ?? EMPTY
  to.count += 1
}

/** The same entries, but for those that had lapsed by `nowS`, in a segment of another capacity. */
const rebuilt = (segment: Segment, capacity: number, nowS = 0): Segment => {
  const next = createSegment(capacity)
  for (let slot = 0; slot < segment.capacity; slot++) {
    if (segment.states[slot] !== EMPTY && (segment.expiries[slot] ?? 0) > nowS) copySlot(segment, slot, next)
  }
  return next
}

const lapsedIn = ({ capacity, states, expiries }: Segment, nowS: number): number => {
  let lapsed = 0
  for (let slot = 0; slot < capacity; slot++) {
    if (states[slot] !== EMPTY && (expiries[slot] ?? 0) <= nowS) lapsed += 1
  }
  return lapsed
}

const LONGEST = 0xffff_ffff

const write = (segment: Segment, slot: number, { revoked, version, expiresAtMs }: Standing): void => {
  segment.versions[slot] = version
  // A restoration is kept as long as a revocation: an older one that comes late must not undo it.
  const expiry = Math.min(LONGEST, Math.ceil(expiresAtMs / 1000))
  segment.expiries[slot] = Math.max(expiry, segment.expiries[slot] ?? 0)
  segment.states[slot] = revoked ? REVOKED : RESTORED
}

/** Identifiers that are not ours, of which there are few: tests have some, and tokens of other issuers. */
const applyForeign = (foreign: Map<string, Standing>, id: string, standing: Standing): void => {
  const known = foreign.get(id)
  if (known !== undefined && known.version >= standing.version) return
  foreign.set(id, { ...standing, expiresAtMs: Math.max(standing.expiresAtMs, known?.expiresAtMs ?? 0) })
}

/** The number of the segment for the identifier in `scratch`, by bits that its place within does not use. */
const indexOf = (): number => byteAt(scratch, 9) % SEGMENTS

const segmentAt = (segments: readonly Segment[], index: number): Segment => {
  const segment = segments[index]
  if (segment === undefined) throw new RangeError(`there is no segment ${index}`)
  return segment
}

export const createStandings = (): Standings => {
  const segments = Array.from({ length: SEGMENTS }, () => createSegment(SMALLEST))
  const foreign = new Map<string, Standing>()
  let nextToPrune = 0

  const applyOwn = (standing: Standing): void => {
    const index = indexOf()
    let segment = segmentAt(segments, index)
    let slot = slotOf(segment)
    if (segment.states[slot] !== EMPTY) {
      if ((segment.versions[slot] ?? 0) < standing.version) write(segment, slot, standing)
      return
    }
    if (segment.count + 1 > segment.capacity * FULL) {
      const wanted = scratch.slice()
      segment = rebuilt(segment, Math.ceil(segment.capacity * GROWTH))
      segments[index] = segment
      scratch.set(wanted)
      slot = slotOf(segment)
    }
    segment.ids.set(scratch, slot * ID_BYTES)
    write(segment, slot, standing)
    segment.count += 1
  }

  const pruneSegment = (index: number, nowS: number): void => {
    const segment = segmentAt(segments, index)
    const lapsed = lapsedIn(segment, nowS)
    if (lapsed === 0) return
    const capacity = Math.max(SMALLEST, Math.ceil(((segment.count - lapsed) / FULL) * GROWTH))
    segments[index] = rebuilt(segment, Math.min(segment.capacity, capacity), nowS)
  }

  return {
    isRevoked: (id) => {
      if (!unpack(id)) return foreign.get(id)?.revoked === true
      const segment = segmentAt(segments, indexOf())
      return segment.states[slotOf(segment)] === REVOKED
    },
    apply: (id, standing) => {
      if (unpack(id)) applyOwn(standing)
      else applyForeign(foreign, id, standing)
    },
    prune: (nowMs, count = SEGMENTS) => {
      for (const [id, { expiresAtMs }] of foreign) if (expiresAtMs <= nowMs) foreign.delete(id)
      for (let turn = 0; turn < count; turn++) {
        pruneSegment(nextToPrune, Math.floor(nowMs / 1000))
        nextToPrune = (nextToPrune + 1) % SEGMENTS
      }
    },
    get size() {
      return segments.reduce((sum, { count }) => sum + count, foreign.size)
    },
    get bytes() {
      return segments.reduce((sum, { capacity }) => sum + capacity * SLOT_BYTES, 0)
    },
  }
}
