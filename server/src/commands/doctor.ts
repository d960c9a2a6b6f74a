import { ConfigError } from 'jotward'
import type { StorePromises } from 'jotward'
import { examine } from '../doctor.ts'
import type { DoctorReport, PlaceReport } from '../doctor.ts'
import { command } from './command.ts'
import { print } from './output.ts'
import { serverSettings } from './server-store.ts'

const YES_NO = new Map<boolean | null, string>([
  [true, 'yes'],
  [false, 'no'],
  [null, 'there is no standby'],
])

const answerOf = (promise: boolean | null): string => YES_NO.get(promise) ?? ''

const survives = ({ crash, powerLoss, failover }: StorePromises): string =>
  `a crash: ${answerOf(crash)}; loss of power: ${answerOf(powerLoss)}; failover: ${answerOf(failover)}`

const clockWords = (ahead: number | null): string =>
  ahead === null ? '' : `; its clock is ${Math.abs(ahead)} ms ${ahead < 0 ? 'behind' : 'ahead of'} this machine's`

const placeLines = (place: PlaceReport): string[] => {
  const { name, variable, address, keeps, version, facts, latencyMs, clockAheadMs, promises } = place
  const settings = Object.entries(facts).map(([fact, value]) => `${fact} ${value}`)
  return [
    `${name} at ${address} (${variable})`,
    `  keeps     ${keeps.join(', ')}`,
    `  version   ${[version, ...settings].join(', ')}`,
    `  answers   in ${latencyMs} ms${clockWords(clockAheadMs)}`,
    `  survives  ${survives(promises)}`,
    ...promises.remarks.map((remark) => `  remark    ${remark}`),
  ]
}

const identityLines = ({ identity }: DoctorReport): string[] => {
  if (identity === null) return []
  const secret = identity.secret === 'matches' ? 'is that of the sessions' : 'is noted at the first start'
  return [`Secret ${secret}.`, `Issuer ${identity.issuer ?? 'is chosen at the first start'}.`]
}

const asText = (report: DoctorReport): string => {
  const { ok, places, warnings, problems } = report
  const lines = [
    ...places.flatMap(placeLines),
    ...identityLines(report),
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...problems.map(({ path, problem }) => `Problem: ${path === '' ? '' : `${path}: `}${problem}`),
    ok ? 'Everything is in order.' : '',
  ]
  return lines
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('')
}

/** Settings that cannot be read are a finding too, for whoever reads JSON. */
const report = async (): Promise<DoctorReport> => {
  try {
    return await examine(serverSettings())
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { ok: false, places: [], identity: null, problems: error.problems, warnings: [] }
  }
}

/** `jotward doctor`: what the server would find, what its stores promise, and what should be changed. */
export const doctor = command({
  name: 'jotward doctor',
  description: 'Checks the store that the settings name, and tells what it promises',
  args: { json: { type: 'boolean', description: 'One JSON object instead of text' } },
  epilogue: 'Exits with 0 where everything is in order, and with 1 where something should be changed.',
  run: async ({ json = false }) => {
    const found = await report()
    await print(json ? `${JSON.stringify(found)}\n` : asText(found))
    return found.ok ? 0 : 1
  },
})
