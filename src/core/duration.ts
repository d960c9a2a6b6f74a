import type { ConfigProblem } from './errors.ts'

/** A span of time in whole seconds. */
export type Seconds = number

/** A span of time as people write it: a number of seconds, or a number with its unit (`'15m'`, `'30d'`). */
export type Duration = Seconds | `${number}${'s' | 'm' | 'h' | 'd' | 'w'}`

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

const TEXT = /^(\d{1,10}(?:\.\d{1,3})?)(s|m|h|d|w)$/

/** The whole seconds of a duration, or null where `value` is not one. A bare number is seconds; `'900'` is not accepted. */
export const parseDuration = (value: unknown): Seconds | null => {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : null
  if (typeof value !== 'string') return null
  const [, amount, unit] = TEXT.exec(value) ?? []
  if (amount === undefined || unit === undefined) return null
  // Thousandths as integers: 1.1 * 60 is not 66 in floating point.
  const seconds = (Math.round(Number(amount) * 1000) * (SECONDS_PER_UNIT[unit] ?? Number.NaN)) / 1000
  return Number.isSafeInteger(seconds) ? seconds : null
}

/** What a duration setting may be, both ends included. */
export interface DurationRange {
  readonly min: Seconds
  readonly max: Seconds
}

/** A value in words: JSON cannot say all that JavaScript has. */
const show = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** Reads a duration setting: its seconds, or the problem with its remedy. */
export const readDuration = (path: string, value: unknown, { min, max }: DurationRange): Seconds | ConfigProblem => {
  const seconds = parseDuration(value)
  if (seconds === null) {
    return {
      path,
      problem: `${show(value)} is not a duration; write "15m", or 900 for seconds`,
    }
  }
  if (seconds < min || seconds > max) {
    return { path, problem: `${JSON.stringify(value)} is out of range; write at least ${min} s and at most ${max} s` }
  }
  return seconds
}
