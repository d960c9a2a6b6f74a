import type { Measure } from './fault.ts'
import type { Operation, Recorder } from './history.ts'

/** Figures drawn from a history. */

/** The value below which this part (0 to 1) of all lie; 0 where there are none. */
export const percentile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** What was begun within a span. */
export const begunWithin = ({ operations }: Recorder, { fromMs, toMs }: Span): readonly Operation[] =>
  operations.filter(({ begunMs }) => begunMs >= fromMs && begunMs < toMs)

export const durationsOf = (operations: readonly Operation[]): readonly number[] =>
  operations.map(({ begunMs, endedMs }) => endedMs - begunMs)

/** A number of things, of which there may be so many. */
export const count = (name: string, value: number, limit: number | null = null): Measure => ({
  name,
  value,
  unit: '',
  limit,
})

/** A span of time, in milliseconds. */
export const span = (name: string, value: number, limit: number | null = null): Measure => ({
  name,
  value: Math.round(value * 10) / 10,
  unit: 'ms',
  limit,
})

/** How long after a moment the first write was acknowledged; what lasts to this day is told as it is by now. */
export const recoveryMs = ({ operations }: Recorder, sinceMs: number): number => {
  const written = operations.filter(
    ({ kind, outcome, begunMs }) => outcome === 'ok' && begunMs >= sinceMs && kind !== 'check' && kind !== 'open',
  )
  const first = Math.min(...written.map(({ endedMs }) => endedMs))
  return (Number.isFinite(first) ? first : performance.now()) - sinceMs
}
