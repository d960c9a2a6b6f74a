import type { Seconds } from '../../core/duration.ts'
import type { TokenRecord, TokenRegister } from '../../ports/token-register.ts'
import { readPageStart } from '../cursor.ts'
import { retainedUntil } from '../token-retention.ts'

interface Options {
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

interface Entry {
  readonly record: TokenRecord
  /** Rises with every record, and is what a cursor holds. */
  readonly position: number
  readonly retainedUntil: Seconds
}

const PRUNE_EVERY = 1024

const isRetained = (entry: Entry, nowMs: number): boolean => nowMs < entry.retainedUntil * 1000

/** Entries by token, and in the order of their recording by subject; everybody's stand under null. */
const createEntries = () => {
  const byToken = new Map<string, Entry>()
  const bySubject = new Map<string | null, Entry[]>()

  const append = (subject: string | null, entry: Entry): void => {
    const entries = bySubject.get(subject)
    if (entries === undefined) bySubject.set(subject, [entry])
    else entries.push(entry)
  }

  return {
    get: (tokenId: string): Entry | undefined => byToken.get(tokenId),
    of: (subject: string | null): readonly Entry[] => bySubject.get(subject) ?? [],
    add: (entry: Entry): void => {
      byToken.set(entry.record.tokenId, entry)
      append(entry.record.subject, entry)
      append(null, entry)
    },
    remove: (dead: ReadonlySet<Entry>): void => {
      const touched = new Set<string | null>([null])
      for (const { record } of dead) {
        byToken.delete(record.tokenId)
        touched.add(record.subject)
      }
      for (const subject of touched) {
        const left = (bySubject.get(subject) ?? []).filter((entry) => !dead.has(entry))
        if (left.length === 0) bySubject.delete(subject)
        else bySubject.set(subject, left)
      }
    },
  }
}

/** Keeps records in this process. They are copied on their way in and out, so that nobody changes what was issued. */
export const memoryTokenRegister = ({ now }: Options): TokenRegister => {
  const entries = createEntries()
  let position = 0

  const add = (record: TokenRecord, nowMs: number): void => {
    const known = entries.get(record.tokenId)
    if (known !== undefined && isRetained(known, nowMs)) return
    if (known !== undefined) entries.remove(new Set([known]))
    position += 1
    entries.add({ record, position, retainedUntil: retainedUntil(record) })
    if (position % PRUNE_EVERY !== 0) return
    entries.remove(new Set(entries.of(null).filter((entry) => !isRetained(entry, nowMs))))
  }

  return {
    record: (records) => {
      const nowMs = now()
      // Copied before anything is kept: what cannot be copied is recorded with none of its call.
      structuredClone(records).forEach((record) => add(record, nowMs))
    },
    find: (tokenId) => {
      const entry = entries.get(tokenId)
      return entry !== undefined && isRetained(entry, now()) ? structuredClone(entry.record) : null
    },
    list: ({ subject, after, limit }) => {
      if (limit < 1) return { records: [], next: null }
      const [start, nowMs] = [readPageStart(after), now()]
      const all = entries.of(subject)
      const found: Entry[] = []
      // One more than asked tells whether there is a next page.
      for (let at = all.length - 1; at >= 0 && found.length <= limit; at--) {
        const entry = all[at]
        if (entry !== undefined && entry.position < start && isRetained(entry, nowMs)) found.push(entry)
      }
      const shown = found.slice(0, limit)
      return {
        records: shown.map(({ record }) => structuredClone(record)),
        next: found.length > limit ? String(shown.at(-1)?.position) : null,
      }
    },
  }
}
