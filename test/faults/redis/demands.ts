import type { Measure } from '../harness/fault.ts'
import { count } from '../harness/figures.ts'
import type { Operation, OperationKind, Recorder } from '../harness/history.ts'

/** What must not be found in a history beside what the checker looks for. */

export const REVOCATIONS: ReadonlySet<OperationKind> = new Set([
  'signout',
  'revokeToken',
  'revokeSession',
  'revokeSubject',
])

/** What changes something in the store. */
export const isWrite = ({ kind }: Operation): boolean => kind !== 'check' && kind !== 'open'

/** What was done, begun and answered between two moments. */
export const doneWithin = ({ operations }: Recorder, fromMs: number, toMs: number): readonly Operation[] =>
  operations.filter(({ outcome, begunMs, endedMs }) => outcome === 'ok' && begunMs >= fromMs && endedMs <= toMs)

/** A number of things that must not have happened. */
export const none = (name: string, found: readonly Operation[]): Measure => count(name, found.length, 0)
