import type { Parse, Parsed } from '../setting-parsers.ts'
import { Secret } from '../secret.ts'

/** Where PostgreSQL is. */
export interface PostgresAddress {
  /** The whole URL, its password too. */
  readonly url: Secret
  /** For people and logs: host, port and database. */
  readonly label: string
  /** As it is written and as it is meant, lest an error of a driver repeat either; empty where there is none. */
  readonly passwords: readonly Secret[]
}

export interface RedisNode {
  readonly host: string
  readonly port: number
}

/** Where Redis is: one server, or nodes of a Cluster, which tell of the others. */
export interface RedisAddress {
  readonly nodes: readonly RedisNode[]
  readonly isCluster: boolean
  readonly tls: boolean
  readonly username: string | null
  readonly password: Secret | null
  readonly database: number
  readonly label: string
}

const POSTGRES = 'DATABASE_URL'
const REDIS = 'REDIS_URL'

const POSTGRES_FORM = 'postgres://user:password@host:5432/database'
const REDIS_FORM = 'redis://host:6379, rediss:// for TLS, or several of them with commas for a Cluster'
const ESCAPES = 'with signs like @ / # % in the password written as %40 %2F %23 %25'

const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

interface Parts {
  readonly url: URL
  readonly username: string
  readonly password: string
}

/** Takes a URL apart. What is wrong with it is told without a piece of it: there may be a password in any. */
const partsOf = (text: string, schemes: readonly string[], form: string): Parsed<Parts> => {
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase() ?? ''
  if (!schemes.includes(scheme)) return { problem: `does not begin with ${schemes.join(':// or ')}://; write ${form}` }
  const url = URL.canParse(text) ? new URL(text) : null
  const [username, password] = [decoded(url?.username ?? ''), decoded(url?.password ?? '')]
  if (url === null || username === null || password === null) {
    return { problem: `is not a URL; write ${form}, ${ESCAPES}` }
  }
  return { value: { url, username, password } }
}

/** The address of a PostgreSQL database: a URL as libpq has it. */
export const postgresAddress: Parse<PostgresAddress> = (text) => {
  const parts = partsOf(text, ['postgres', 'postgresql'], POSTGRES_FORM)
  if ('problem' in parts) return parts
  const { url, password } = parts.value
  const database = decoded(url.pathname.slice(1))
  if (database === null || database === '') return { problem: `names no database; write ${POSTGRES_FORM}` }
  const host = url.searchParams.get('host') ?? url.hostname
  const label = `${host === '' ? 'localhost' : host}${url.port === '' ? '' : `:${url.port}`}/${database}`
  const passwords = [...new Set([password, url.password])].filter((one) => one !== '')
  return {
    value: { url: new Secret(text, POSTGRES), label, passwords: passwords.map((one) => new Secret(one, POSTGRES)) },
  }
}

/** A node after the first may leave out what it shares with that: `redis://user:password@a:6379,b:6379`. */
const completed = (text: string, first: string): string => {
  if (text.includes('://')) return text
  const [, shared = ''] = /^(rediss?:\/\/(?:.*@)?)/i.exec(first) ?? []
  return shared + text
}

const REDIS_PORT = 6379

/** `/0` to `/15`, or nothing; null where it is anything else. */
const databaseOf = ({ pathname }: URL): number | null => {
  const [, number = null] = /^\/?(\d{0,4})$/.exec(pathname) ?? []
  return number === null ? null : Number(number)
}

/** The address of Redis: one URL, or several with commas between them, which are nodes of a Cluster. */
export const redisAddress: Parse<RedisAddress> = (text) => {
  const [first = '', ...others] = text.split(',').map((node) => node.trim())
  const all = [first, ...others.map((node) => completed(node, first))].map((node) =>
    partsOf(node, ['redis', 'rediss'], REDIS_FORM),
  )
  const refused = all.find((parts) => 'problem' in parts)
  if (refused !== undefined) return refused
  const values = all.flatMap((parts) => ('value' in parts ? [parts.value] : []))
  const [head] = values
  if (head === undefined) return { problem: `is empty; write ${REDIS_FORM}` }
  const { url, username, password } = head
  if (values.some((node) => node.url.hostname === '')) return { problem: `names no host; write ${REDIS_FORM}` }
  const isAlike = values.every(
    (node) => node.url.protocol === url.protocol && node.username === username && node.password === password,
  )
  if (!isAlike) return { problem: 'has nodes of different schemes, users or passwords; write them alike' }
  if (values.some((node) => node.url.search !== '')) {
    return { problem: 'has parameters, of which it takes none; the number of the database is its path' }
  }
  const database = databaseOf(url)
  const isCluster = others.length > 0
  if (database === null) return { problem: 'has a path that is no number of a database; write redis://host:6379/0' }
  if (isCluster && database > 0) return { problem: 'names a database, and a Cluster has but one; leave the number out' }
  const nodes = values.map((node) => ({
    // An IPv6 address stands in brackets in a URL, and nowhere else.
    host: node.url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: node.url.port === '' ? REDIS_PORT : Number(node.url.port),
  }))
  return {
    value: {
      nodes,
      isCluster,
      tls: url.protocol.toLowerCase() === 'rediss:',
      username: username === '' ? null : username,
      password: password === '' ? null : new Secret(password, REDIS),
      database,
      label: nodes.map(({ host, port }) => `${host}:${port}`).join(',') + (database === 0 ? '' : `/${database}`),
    },
  }
}
