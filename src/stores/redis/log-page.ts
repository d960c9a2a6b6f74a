import { subjectEntry } from '../../core/session/revocation-set.ts'
import type { RevocationEntry } from '../../core/session/revocation-set.ts'
import type { BucketPosition } from './log-cursor.ts'
import { toInteger, toList, toText } from './replies.ts'

/** What the script `read` tells of one bucket. */
export interface BucketPage {
  /** The server's clock. */
  readonly nowMs: number
  readonly globalEpoch: number
  /** Names the primary's incarnation; '' where the server does not tell. */
  readonly incarnation: string
  readonly position: BucketPosition
  readonly isAtEnd: boolean
  readonly entries: readonly RevocationEntry[]
}

/** Texts of one entry in the reply. */
const ENTRY_TEXTS = 5

const readEntry = (texts: readonly unknown[], at: number): RevocationEntry => {
  const [version, kind, id, value] = [at, at + 1, at + 2, at + 3].map((index) => toText(texts[index]))
  if (id === undefined) throw new Error('an entry is incomplete')
  if (kind === 'u') return subjectEntry(id, toInteger(value))
  if (kind !== 't' && kind !== 's') throw new Error(`there are no entries of kind ${kind}`)
  return {
    kind: kind === 't' ? 'token' : 'session',
    id,
    revoked: value === '1',
    expiresAtMs: toInteger(texts[at + 4]),
    version: toInteger(version),
  }
}

const isInForce = (entry: RevocationEntry, nowMs: number): boolean => entry.kind === 'all' || entry.expiresAtMs > nowMs

export const readBucketPage = (reply: unknown): BucketPage => {
  const [now, globalEpoch, incarnation, after, scan, end, texts] = toList(reply)
  const [nowMs, list] = [toInteger(now), toList(texts)]
  const entries: RevocationEntry[] = []
  for (let at = 0; at < list.length; at += ENTRY_TEXTS) {
    const entry = readEntry(list, at)
    // What has lapsed can concern no token. A restoration lapses no earlier than what it has taken back.
    if (isInForce(entry, nowMs)) entries.push(entry)
  }
  return {
    nowMs,
    globalEpoch: toInteger(globalEpoch),
    incarnation: toText(incarnation),
    position: { after: toText(after), scan: toText(scan) },
    isAtEnd: toText(end) === '1',
    entries,
  }
}
