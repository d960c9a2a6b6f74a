import { ConfigError } from 'jotward'
import type { ConfigProblem, StorePromises } from 'jotward'
import { examineIdentity } from './identity.ts'
import type { IdentityReport } from './identity.ts'
import type { Settings } from './settings.ts'
import type { Examination, Place } from './storage/place.ts'
import { openStorage } from './storage/server-storage.ts'
import { checkSessionsPlace } from './storage/sessions-place.ts'
import type { ServerStorage } from './storage/server-storage.ts'

/** What was found in a place of storage. */
export interface PlaceReport extends Examination {
  readonly name: Place['name']
  readonly variable: string
  readonly address: string
  /** What the server keeps there. */
  readonly keeps: readonly string[]
  readonly promises: StorePromises
}

export interface DoctorReport {
  readonly ok: boolean
  readonly places: readonly PlaceReport[]
  /** Null where it could not be looked at. */
  readonly identity: IdentityReport | null
  /** What somebody should change, each with its remedy. */
  readonly problems: readonly ConfigProblem[]
  /** What may be known and is no fault. */
  readonly warnings: readonly string[]
}

const PEOPLE = ['users', 'records'] as const
const SESSIONS = ['sessions', 'revocations', 'tokens', 'single use'] as const

/** What tokens and proofs allow clocks to differ by, less what a network adds. */
const CLOCK_DIFFERENCE_MS = 2000

/** Promises that an operator counts on unless told otherwise. */
const promiseProblems = ({ name, variable, promises }: PlaceReport): ConfigProblem[] => {
  const { crash, powerLoss, failover, remarks } = promises
  const missing: string[] = []
  if (!crash) missing.push('the death of its process')
  // Of Redis nothing tells whether it waits for its disk; the remarks name that.
  if (crash && !powerLoss && name !== 'Redis') missing.push('the loss of power')
  if (failover === false) missing.push('a failover')
  if (missing.length === 0) return []
  const problem = `what ${name} has acknowledged does not survive ${missing.join(' and ')}: ${remarks.join('; ')}`
  return [{ path: variable, problem }]
}

const clockProblems = ({ name, variable, clockAheadMs }: PlaceReport): ConfigProblem[] => {
  if (clockAheadMs === null || Math.abs(clockAheadMs) <= CLOCK_DIFFERENCE_MS) return []
  const side = clockAheadMs > 0 ? 'ahead of' : 'behind'
  const seconds = Math.abs(clockAheadMs / 1000).toFixed(1)
  const problem = `the clock of ${name} is ${seconds} s ${side} this machine's; have both set by NTP`
  return [{ path: variable, problem }]
}

/** What should be changed at a place that answers. */
export const problemsOf = (report: PlaceReport): readonly ConfigProblem[] => [
  ...promiseProblems(report),
  ...clockProblems(report),
]

const identityProblems = ({ issuer, noted }: IdentityReport): ConfigProblem[] => {
  if (noted === null || issuer === noted) return []
  const problem = `the issuer would be ${issuer ?? ''} and was ${noted}; a start would end every session, so set it back`
  return [{ path: 'JOTWARD_ISSUER', problem }]
}

const examinePlace = async (place: Place, keeps: readonly string[]): Promise<PlaceReport> => {
  const { name, variable, address, inSettings } = place
  const [examination, promises] = [await place.examine(), await place.store.promises()]
  const remarks = promises.remarks.map(inSettings)
  return { name, variable, address, keeps, ...examination, promises: { ...promises, remarks } }
}

interface Found<T> {
  readonly value: T | null
  readonly problems: readonly ConfigProblem[]
}

/** What can be found out, or why it cannot. */
const found = async <T>(
  work: () => Promise<T>,
  explain: (failure: unknown) => readonly ConfigProblem[],
): Promise<Found<T>> => {
  try {
    return { value: await work(), problems: [] }
  } catch (failure) {
    return { value: null, problems: failure instanceof ConfigError ? failure.problems : explain(failure) }
  }
}

const examineStorage = async (settings: Settings, storage: ServerStorage): Promise<DoctorReport> => {
  const { home, sessions, records, warnings } = storage
  const keepsOfHome = sessions === null ? [...PEOPLE, ...SESSIONS] : PEOPLE
  const places = [
    { place: home, keeps: keepsOfHome },
    ...(sessions === null ? [] : [{ place: sessions, keeps: SESSIONS }]),
  ]
  const examined = await Promise.all(
    places.map(({ place, keeps }) => found(() => examinePlace(place, keeps), place.explain)),
  )
  const identityPlace = { records, database: home.address, isShared: home.name !== 'SQLite' }
  const identity = await found(() => examineIdentity(settings, identityPlace), home.explain)
  const place = await found(() => checkSessionsPlace(storage), home.explain)
  const reports = examined.flatMap(({ value }) => (value === null ? [] : [value]))
  const problems = [
    ...examined.flatMap((one) => one.problems),
    ...reports.flatMap(problemsOf),
    ...identity.problems,
    ...place.problems,
    ...(identity.value === null ? [] : identityProblems(identity.value)),
  ]
  return { ok: problems.length === 0, places: reports, identity: identity.value, problems, warnings }
}

/** Looks at everything that the settings name, and writes nothing to any of it but what opening Redis notes there. */
export const examine = async (settings: Settings): Promise<DoctorReport> => {
  const warnings: string[] = []
  const opened = await found(
    () =>
      openStorage(settings, { mustExist: true, patienceMs: 0, onTrouble: (sentence) => void warnings.push(sentence) }),
    (failure) => {
      throw failure
    },
  )
  if (opened.value === null) return { ok: false, places: [], identity: null, problems: opened.problems, warnings }
  try {
    const report = await examineStorage(settings, opened.value)
    return { ...report, warnings: [...report.warnings, ...warnings] }
  } finally {
    await opened.value.close()
  }
}
