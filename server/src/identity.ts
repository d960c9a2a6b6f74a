import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { ConfigError } from 'jotward'
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

/** The secret in force, which must be that of the sessions in the database. */
const readSecret = (settings: Settings, folder: DataFolder, records: ServerRecords): Secret => {
  const known = records.get('secret')
  const isKept = settings.secret === null && settings.secretFile === null
  if (isKept && known !== null && !existsSync(folder.secretFile)) {
    const problem = `is missing, and a new secret would end every session; restore it from a backup, or ${END_THEM}`
    throw new ConfigError([{ path: folder.secretFile, problem }])
  }
  const given = settings.secretFile === null ? settings.secret : givenSecret(settings.secretFile)
  const secret = given ?? keptSecret(folder.secretFile)
  const name = secretName(secret)
  if (known !== null && known !== name) {
    const problem = `is not the secret that the sessions in ${folder.databaseFile} were made with; put that one back, or ${END_THEM}`
    throw new ConfigError([{ path: secret.source, problem }])
  }
  return secret
}

const readIssuer = (
  settings: Settings,
  { folder, records, url }: { readonly folder: DataFolder; readonly records: ServerRecords; readonly url: string },
): Omit<Identity, 'secret'> => {
  const known = records.get('issuer')
  const wasThere = existsSync(folder.issuerFile)
  const kept = keptIssuer(folder.issuerFile, settings.issuer ?? known ?? url)
  const issuer = settings.issuer ?? kept
  const warnings: string[] = []
  if (known !== null && !wasThere) warnings.push(`${folder.issuerFile} was missing; it holds ${kept} again`)
  if (known !== null && known !== issuer)
    warnings.push(`the issuer is ${issuer} and was ${known}: every session and token of before has ended`)
  if (!isLoopback(settings.host) && settings.issuer === null) {
    const remedy = 'set JOTWARD_ISSUER to the URL that clients use; changing it later ends every session'
    warnings.push(`HOST is ${settings.host}, but the issuer is ${issuer}; ${remedy}`)
  }
  return { issuer, warnings }
}

/**
 * Reads secret and issuer, made at the first start, and has the database remember them.
 *
 * @param place with the URL that is the issuer of a first start
 * @throws ConfigError where either cannot be used, or the secret is not that of the sessions in the database
 */
export const readIdentity = (
  settings: Settings,
  place: { readonly folder: DataFolder; readonly records: ServerRecords; readonly url: string },
): Identity => {
  const secret = readSecret(settings, place.folder, place.records)
  return { secret, ...readIssuer(settings, place) }
}

/** To be called once everything else stands: what does not start must not be remembered. */
export const rememberIdentity = (records: ServerRecords, { secret, issuer }: Identity): void => {
  const name = secretName(secret)
  if (records.get('secret') !== name) records.set('secret', name)
  if (records.get('issuer') !== issuer) records.set('issuer', issuer)
}
