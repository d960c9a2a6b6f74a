import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { ConfigError } from 'jotward'
import { dataFiles, openDataFolder } from './data-folder.ts'
import type { DataFolder } from './data-folder.ts'
import { isLoopback, keptIssuer } from './issuer.ts'
import type { Secret } from './secret.ts'
import type { ServerRecords } from './server-records.ts'
import type { Settings } from './settings.ts'
import { givenSecret, keptSecret, secretName } from './signing-secret.ts'

/** By whom tokens are signed; were it another than at the last start, every session would end without a word. */
export interface Identity {
  readonly secret: Secret
  readonly issuer: string
  /** Sentences for whoever starts the server. */
  readonly warnings: readonly string[]
}

/** Where an identity is kept and noted. */
export interface IdentityPlace {
  readonly records: ServerRecords
  /** Names the database for people. */
  readonly database: string
  /** Whether servers on other machines may be on the same database: then it has the issuer, and no file has. */
  readonly isShared: boolean
}

/** What of the settings concerns the identity. */
export type IdentitySettings = Pick<Settings, 'secret' | 'secretFile' | 'issuer' | 'dataFolder' | 'host'>

const END_THEM = 'run `jotward session revoke --everything` to end them and go on'

/**
 * A warning where a database is missing beside what was made with one; to be asked before the database is opened. The
 * secret is looked for first: of processes that start at once, each makes the database before the secret.
 */
export const warnOfMissingDatabase = ({ secretFile, issuerFile, databaseFile }: DataFolder): readonly string[] => {
  const others = [secretFile, issuerFile].filter((file) => existsSync(file)).map((file) => basename(file))
  const isThere = existsSync(databaseFile) && statSync(databaseFile).size > 0
  if (others.length === 0 || isThere) return []
  const missing = `${databaseFile} was missing beside ${others.join(' and ')}`
  return [`${missing}: a new one begins without the accounts and sessions of before; if there were any, restore it`]
}

/** A warning where a database of files is left behind by one that is named. */
export const warnOfLeftDatabase = ({ databaseFile }: DataFolder): readonly string[] => {
  if (!existsSync(databaseFile) || statSync(databaseFile).size === 0) return []
  return [`${databaseFile} is there and not used, for DATABASE_URL is set: its users and sessions are not moved`]
}

const isKept = ({ secret, secretFile }: IdentitySettings): boolean => secret === null && secretFile === null

const refuseOther = ({ source }: Secret, { database, isShared }: IdentityPlace): ConfigError => {
  const remedy = isShared ? 'set JOTWARD_SECRET to the same on every machine' : 'put that one back'
  const problem = `is not the secret that the sessions in ${database} were made with; ${remedy}, or ${END_THEM}`
  return new ConfigError([{ path: source, problem }])
}

const refuseMissing = (secretFile: string, { database, isShared }: IdentityPlace): ConfigError => {
  if (isShared) {
    const remedy = 'set it (or JOTWARD_SECRET_FILE) to the same on every machine'
    const problem = `is not set, and the sessions in ${database} were made with a secret from elsewhere; ${remedy}, or ${END_THEM}`
    return new ConfigError([{ path: 'JOTWARD_SECRET', problem }])
  }
  const problem = `is missing, and a new secret would end every session; restore it from a backup, or ${END_THEM}`
  return new ConfigError([{ path: secretFile, problem }])
}

/** The secret in force, which must be that of the sessions in the database. */
const readSecret = async (settings: IdentitySettings, place: IdentityPlace): Promise<Secret> => {
  const known = await place.records.get('secret')
  const { secretFile } = dataFiles(settings.dataFolder)
  if (isKept(settings) && known !== null && !existsSync(secretFile)) throw refuseMissing(secretFile, place)
  const given = settings.secretFile === null ? settings.secret : givenSecret(settings.secretFile)
  const secret = given ?? keptSecret(openDataFolder(settings.dataFolder).secretFile)
  if (known !== null && known !== secretName(secret)) throw refuseOther(secret, place)
  return secret
}

/** Of the file, or of the database where servers share one. */
const keptElsewhere = (
  settings: IdentitySettings,
  known: string | null,
  { isShared, url }: { readonly isShared: boolean; readonly url: string },
): Omit<Identity, 'secret'> => {
  if (isShared) return { issuer: settings.issuer ?? known ?? url, warnings: [] }
  const { issuerFile } = dataFiles(settings.dataFolder)
  const wasThere = existsSync(issuerFile)
  const kept = keptIssuer(issuerFile, settings.issuer ?? known ?? url)
  const isAgain = known !== null && !wasThere
  return {
    issuer: settings.issuer ?? kept,
    warnings: isAgain ? [`${issuerFile} was missing; it holds ${kept} again`] : [],
  }
}

const readIssuer = async (
  settings: IdentitySettings,
  { records, isShared }: IdentityPlace,
  url: string,
): Promise<Omit<Identity, 'secret'>> => {
  const known = await records.get('issuer')
  const { issuer, warnings } = keptElsewhere(settings, known, { isShared, url })
  const more: string[] = []
  if (known !== null && known !== issuer)
    more.push(`the issuer is ${issuer} and was ${known}: every session and token of before has ended`)
  if (!isLoopback(settings.host) && settings.issuer === null) {
    const remedy = 'set JOTWARD_ISSUER to the URL that clients use; changing it later ends every session'
    more.push(`HOST is ${settings.host}, but the issuer is ${issuer}; ${remedy}`)
  }
  return { issuer, warnings: [...warnings, ...more] }
}

/**
 * Reads secret and issuer, made at the first start.
 *
 * @param url the issuer of a first start
 * @throws ConfigError where either cannot be used, or the secret is not that of the sessions in the database
 */
export const readIdentity = async (
  settings: IdentitySettings,
  place: IdentityPlace,
  url: string,
): Promise<Identity> => {
  const secret = await readSecret(settings, place)
  return { secret, ...(await readIssuer(settings, place, url)) }
}

/**
 * Has the database remember an identity, and returns the one that counts: of servers that start for the first time at
 * once one is remembered, and the others take its issuer. To be called once everything else stands: what does not start
 * must not be remembered.
 *
 * @throws ConfigError where another server was faster, with another secret
 */
export const rememberIdentity = async (
  identity: Identity,
  place: IdentityPlace,
  { issuer: given }: Pick<IdentitySettings, 'issuer'>,
): Promise<Identity> => {
  const { records, isShared } = place
  const { secret, issuer } = identity
  const name = secretName(secret)
  if ((await records.claim('secret', name)) !== name) throw refuseOther(secret, place)
  const noted = await records.claim('issuer', issuer)
  if (noted === issuer) return identity
  if (isShared && given === null) return { ...identity, issuer: noted }
  await records.set('issuer', issuer)
  return identity
}

/** What a start would find, told without making anything. */
export interface IdentityReport {
  /** `made`: there is none yet, and the first start makes or notes it. */
  readonly secret: 'matches' | 'made'
  /** Null where the first start decides. */
  readonly issuer: string | null
  /** The issuer of the sessions in the database, if it has any. */
  readonly noted: string | null
}

const issuerInFile = (file: string): string | null => (existsSync(file) ? readFileSync(file, 'utf8').trim() : null)

/**
 * Looks at secret and issuer as a start would.
 *
 * @throws ConfigError as `readIdentity`
 */
export const examineIdentity = async (settings: IdentitySettings, place: IdentityPlace): Promise<IdentityReport> => {
  const [knownSecret, noted] = [await place.records.get('secret'), await place.records.get('issuer')]
  const { secretFile, issuerFile } = dataFiles(settings.dataFolder)
  // Reading it would make it.
  const isToBeMade = isKept(settings) && knownSecret === null && !existsSync(secretFile)
  if (!isToBeMade) await readSecret(settings, place)
  const kept = place.isShared ? null : issuerInFile(issuerFile)
  return { secret: knownSecret === null ? 'made' : 'matches', issuer: settings.issuer ?? kept ?? noted, noted }
}
