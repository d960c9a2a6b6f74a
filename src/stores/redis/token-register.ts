import type { TokenPage, TokenQuery, TokenRecord, TokenRegister } from '../../ports/token-register.ts'
import { retainedUntil } from '../token-retention.ts'
import type { Bucket } from './buckets.ts'
import type { StoreParts } from './parts.ts'
import { toInteger, toList, toObject, toText, writeOptional } from './replies.ts'
import type { Runner } from './runner.ts'
import { storeError } from './runner.ts'

const RECORDING = 'recording tokens'
const LISTING = 'listing tokens'

/** Records of one bucket that are looked at in one go, so that the server is not held up. */
const LOOKS = 500

type Kept = Omit<TokenRecord, 'tokenId'>

const isText = (value: unknown): boolean => typeof value === 'string'

/** JSON would leave out without a word what it cannot write. */
const isRecord = ({ tokenId, kind, subject, sessionId, stamp, issuedAt, expiresAt }: TokenRecord): boolean =>
  [tokenId, kind, subject].every(isText) &&
  (sessionId === null || isText(sessionId)) &&
  [stamp.subject, stamp.global, issuedAt, expiresAt ?? 0].every(Number.isSafeInteger)

const writeRecord = (record: TokenRecord): readonly string[] => {
  const { tokenId, kind, subject, sessionId, stamp, issuedAt, expiresAt } = record
  const kept: Kept = { kind, subject, sessionId, stamp, issuedAt, expiresAt }
  return [tokenId, String(retainedUntil(record) * 1000), JSON.stringify(kept)]
}

const readRecord = (tokenId: string, json: unknown): TokenRecord => {
  // Only `writeRecord` writes it.
  const kept = toObject(json) as Kept
  return { tokenId, ...kept }
}

interface Placed {
  readonly record: TokenRecord
  readonly position: number
  readonly bucket: Bucket
}

/** Where a page goes on: below a position, and of those at it below a bucket. */
interface Start {
  readonly position: number
  readonly bucket: number
}

/** Null for a cursor that was never given out. */
const readStart = (after: string | null): Start | null => {
  if (after === null) return { position: Number.MAX_SAFE_INTEGER, bucket: 0 }
  const [, position, bucket] = /^(\d{1,16})\.(\d{1,4})$/.exec(after) ?? []
  return position === undefined ? null : { position: Number(position), bucket: Number(bucket) }
}

const latestFirst = (a: Placed, b: Placed): number => b.position - a.position || b.bucket.number - a.bucket.number

/** Up to so many records of a bucket below a position, the latest first. */
const readBucket = async (
  runner: Runner,
  bucket: Bucket,
  { subject, start, wanted }: { readonly subject: string | null; readonly start: Start; readonly wanted: number },
): Promise<readonly Placed[]> => {
  const found: Placed[] = []
  let below = bucket.number < start.bucket ? String(start.position) : `(${start.position}`
  for (;;) {
    const args = [writeOptional(subject), below, String(wanted - found.length), String(LOOKS)]
    // Where much has lapsed without being removed yet, each round goes on from the one before.
    const isEnd = await runner.run({ operation: LISTING, bucket, script: 'listTokens', args }, (reply) => {
      const [end, reached, texts] = toList(reply)
      const list = toList(texts)
      for (let at = 0; at < list.length; at += 3) {
        const record = readRecord(toText(list[at]), list[at + 2])
        if (subject === null || record.subject === subject) {
          found.push({ record, position: toInteger(list[at + 1]), bucket })
        }
      }
      below = `(${toText(reached)}`
      return toText(end) === '1'
    })
    if (isEnd || found.length >= wanted) return found
  }
}

const pageOf = (placed: readonly Placed[], limit: number): TokenPage => {
  const shown = placed.toSorted(latestFirst).slice(0, limit)
  const last = shown.at(-1)
  const isLast = placed.length <= limit || last === undefined
  return {
    records: shown.map(({ record }) => record),
    next: isLast ? null : `${last.position}.${last.bucket.number}`,
  }
}

/** Keeps records as texts, and sorted sets that lead to them. */
export const redisTokenRegister = ({ runner, buckets }: StoreParts): TokenRegister => {
  const listFrom = async ({ subject, limit }: TokenQuery, start: Start): Promise<TokenPage> => {
    const places = subject === null ? buckets.all : [buckets.ofSubject(subject)]
    // One more than asked tells whether there is a next page.
    const asked = { subject, start, wanted: limit + 1 }
    const found = await Promise.all(places.map((bucket) => readBucket(runner, bucket, asked)))
    return pageOf(found.flat(), limit)
  }

  return {
    record: async (records) => {
      const [first] = records
      if (first === undefined) return
      const { subject } = first
      const bucket = buckets.ofSubject(subject)
      if (!records.every((record) => record.subject === subject && isRecord(record))) {
        throw storeError(RECORDING, new Error('the records of one call must be complete, and of one subject'))
      }
      if (!records.every(({ tokenId }) => buckets.ofId(tokenId) === bucket)) {
        throw storeError(RECORDING, new Error('an identifier does not begin with the place of its subject'))
      }
      const args = [subject, ...records.flatMap(writeRecord)]
      await runner.run({ operation: RECORDING, bucket, script: 'record', args }, () => undefined)
    },
    find: async (tokenId) => {
      const bucket = buckets.ofId(tokenId)
      if (bucket === null) return null
      const call = { operation: 'finding a token', bucket, script: 'findToken', args: [tokenId] } as const
      return runner.run(call, (reply) => (toText(reply) === '' ? null : readRecord(tokenId, reply)))
    },
    list: async (query) => {
      const start = readStart(query.after)
      if (query.limit < 1 || start === null) return { records: [], next: null }
      return listFrom(query, start)
    },
  }
}
