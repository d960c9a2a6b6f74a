import type { Breach, BreachKind } from './checker.ts'
import type { Fault, Findings, Measure } from './fault.ts'

/** What all rounds of a fault have shown together. */
export interface CampaignRow {
  readonly fault: string
  readonly title: string
  readonly permitted: string
  /** The day of the run, like 2026-01-31. */
  readonly date: string
  readonly rounds: number
  /** Of each round. */
  readonly seconds: number
  readonly operations: number
  readonly incidents: number
  /** Acknowledged. */
  readonly revocations: number
  readonly refreshes: number
  /** Answered 503, or not at all. */
  readonly unanswered: number
  readonly breaches: Readonly<Partial<Record<BreachKind, number>>>
  /** The worst of all rounds of a time, the sum of a number; whichever has no limit likewise. */
  readonly measures: readonly Measure[]
  /** Histories in which something is wrong. */
  readonly histories: readonly string[]
}

export interface CampaignRun {
  readonly date: string
  readonly seconds: number
}

const total = (findings: readonly Findings[], of: (one: Findings) => number): number =>
  findings.reduce((sum, one) => sum + of(one), 0)

const countKinds = (breaches: readonly Breach[]): CampaignRow['breaches'] => {
  const counts: Partial<Record<BreachKind, number>> = {}
  for (const { kind } of breaches) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

const together = (measures: readonly Measure[]): readonly Measure[] => {
  const byName = new Map<string, Measure>()
  for (const measure of measures) {
    const known = byName.get(measure.name)
    const value = measure.unit === '' ? measure.value + (known?.value ?? 0) : Math.max(measure.value, known?.value ?? 0)
    byName.set(measure.name, { ...measure, value })
  }
  return [...byName.values()]
}

export const toRow = (
  { name, title, permitted }: Omit<Fault, 'run'>,
  findings: readonly Findings[],
  { date, seconds }: CampaignRun,
): CampaignRow => ({
  fault: name,
  title,
  permitted,
  date,
  rounds: findings.length,
  seconds,
  operations: total(findings, ({ tally }) => tally.operations),
  incidents: total(findings, ({ incidents }) => incidents),
  revocations: total(findings, ({ tally }) => tally.revocations),
  refreshes: total(findings, ({ tally }) => tally.refreshes),
  unanswered: total(findings, ({ tally }) => tally.unavailable + tally.failed),
  breaches: countKinds(findings.flatMap(({ breaches }) => breaches)),
  measures: together(findings.flatMap(({ measures }) => measures)),
  histories: findings.flatMap(({ history, breaches }) => (history === null || breaches.length === 0 ? [] : [history])),
})

/** What of a row should not be: every breach, and every measure beyond its limit. */
export const problemsOf = ({ breaches, measures, histories }: CampaignRow): readonly string[] => [
  ...Object.entries(breaches).map(([kind, times]) => `${kind}: ${times} (${histories.join(', ')})`),
  ...measures
    .filter(({ value, limit }) => limit !== null && value > limit)
    .map(({ name, value, unit, limit }) => `${name}: ${value} ${unit}, should be at most ${limit}`),
]
