import { readFileSync } from 'node:fs'
import { AuthError, ConfigError, createVerifier } from 'jotward'
import type { JwksDocument, Verifier } from 'jotward'
import { errorCode } from '../error-code.ts'
import { UsageError } from '../usage-error.ts'
import { command } from './command.ts'
import type { ExitCode } from './command.ts'
import { isBlank, lineBatches } from './input-lines.ts'
import { endWithOutput, print } from './output.ts'
import { readAlgorithm } from './read-algorithm.ts'

const DEFAULT_TOKEN_BYTES = 8192

/** What the longest token can take as a JSON string, each byte of it written as `\u0000`, with its quotes. */
const lineBytes = (tokenBytes: number): number => 6 * tokenBytes + 3

const ARGS = {
  jwks: { type: 'string', required: true, valueHint: 'FILE', description: 'JWK Set that may also hold oct keys' },
  issuer: { type: 'string', required: true, valueHint: 'I', description: 'The one iss accepted' },
  audience: { type: 'string', required: true, valueHint: 'A', description: 'What aud must name' },
  typ: { type: 'string', default: 'at+jwt', description: "Type of the token, in its header; '' for none" },
  alg: { type: 'string', valueHint: 'A', description: 'Algorithm of keys that name none' },
  now: { type: 'string', valueHint: 'N', description: 'Seconds since 1970, instead of the clock' },
  'clock-tolerance': { type: 'string', default: '5', valueHint: 'S', description: 'Seconds, at most 300' },
  'max-lifetime': { type: 'string', valueHint: 'S', description: 'Seconds from iat to exp, at most' },
  'max-token-bytes': {
    type: 'string',
    default: String(DEFAULT_TOKEN_BYTES),
    valueHint: 'N',
    description: 'Longest token that is looked at',
  },
  require: {
    type: 'string',
    default: 'iss,sub,aud,exp,iat,jti',
    valueHint: 'c1,c2',
    description: 'Claims that must be there',
  },
  json: { type: 'boolean', description: 'Each line is a JSON string' },
  explain: { type: 'boolean', description: 'Writes a reason for each token to standard error' },
} as const

interface Options {
  readonly jwks: string
  readonly issuer: string
  readonly audience: string
  readonly typ: string
  readonly alg?: string | undefined
  readonly now?: string | undefined
  readonly 'clock-tolerance': string
  readonly 'max-lifetime'?: string | undefined
  readonly 'max-token-bytes': string
  readonly require: string
}

const readNumber = (option: string, text: string): number => {
  if (/^\d{1,15}(\.\d{1,9})?$/.test(text)) return Number(text)
  throw new UsageError(`--${option}: ${JSON.stringify(text)} is not a number of 0 or more`)
}

const asKeySet = (value: unknown): JwksDocument => {
  if (typeof value === 'object' && value !== null && 'kty' in value && !('keys' in value)) {
    throw new UsageError('--jwks: is not a JWK Set but one key; wrap it: {"keys":[…]}')
  }
  // Whether it is a JWK Set, the verifier finds out.
  return value as JwksDocument
}

const readKeySetFile = (file: string): JwksDocument => {
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(file)) {
    throw new UsageError('--jwks: a set behind a URL is not supported yet; save it to a file and name that')
  }
  try {
    return asKeySet(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    // The words of a syntax error may quote the file, and with it a key.
    const reason = cause instanceof SyntaxError ? 'is not JSON' : `cannot be read (${errorCode(cause)})`
    throw new UsageError(`--jwks: ${file} ${reason}`)
  }
}

/** The option that a path in a verifier's configuration comes from. */
const OPTION_OF: Readonly<Record<string, string>> = {
  clockTolerance: 'clock-tolerance',
  maxLifetime: 'max-lifetime',
  maxTokenBytes: 'max-token-bytes',
  required: 'require',
}

const asUsageError = ({ problems }: ConfigError): UsageError => {
  const sentences = problems.map(({ path, problem }) => {
    const inKeySet = /^keys\.jwks\.?(.*)$/.exec(path)
    if (inKeySet === null) return `--${OPTION_OF[path] ?? path}: ${problem}`
    return `--jwks: ${inKeySet[1] ?? ''} ${problem}`.replace('  ', ' ')
  })
  return new UsageError(sentences.join('; '))
}

const verifierOf = (options: Options): Verifier => {
  const { alg, now, 'max-lifetime': maxLifetime, require } = options
  const algorithm = alg === undefined ? {} : { algorithm: readAlgorithm(alg) }
  const time = now === undefined ? null : readNumber('now', now)
  try {
    return createVerifier({
      issuer: options.issuer,
      audience: options.audience,
      // A file of one's own may hold secrets; a set that was fetched may not.
      keys: { jwks: readKeySetFile(options.jwks), allowSymmetric: true, ...algorithm },
      typ: options.typ === '' ? null : options.typ,
      clockTolerance: readNumber('clock-tolerance', options['clock-tolerance']),
      maxLifetime: maxLifetime === undefined ? null : readNumber('max-lifetime', maxLifetime),
      maxTokenBytes: readNumber('max-token-bytes', options['max-token-bytes']),
      required: require === '' ? [] : require.split(','),
      ...(time === null ? {} : { clock: () => time }),
    })
  } catch (error) {
    throw error instanceof ConfigError ? asUsageError(error) : error
  }
}

/** The token on a line; of a line that is no JSON string nothing is left that could be valid. */
const tokenOf = (line: string, json: boolean): string => {
  if (!json) return line
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'string' ? value : ''
  } catch {
    return ''
  }
}

interface Verdict {
  readonly valid: boolean
  /** What goes to standard output. */
  readonly answer: object
  /** For whoever looks for the reason; details never hold a token, but may hold what a token says. */
  readonly reason: string
}

const asOneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')

const judge = (verifier: Verifier, token: string): Verdict => {
  try {
    const { header, claims } = verifier.verify(token)
    return { valid: true, answer: { valid: true, header, claims }, reason: 'valid' }
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    const { code, detail, message } = error
    return { valid: false, answer: { valid: false, code }, reason: asOneLine(`${code}: ${detail ?? message}`) }
  }
}

/** `jotward token verify`: a verdict a line for a token a line. */
export const tokenVerify = command({
  name: 'jotward token verify',
  description: 'Verifies tokens, one a line of standard input',
  args: ARGS,
  epilogue: 'Exits with 0 when all tokens are valid, 1 when one is not, 2 for bad usage or an unusable key set.',
  run: async (args) => {
    const verifier = verifierOf(args)
    endWithOutput()
    let code: ExitCode = 0
    const maxBytes = lineBytes(readNumber('max-token-bytes', args['max-token-bytes']))
    for await (const lines of lineBatches(process.stdin, maxBytes)) {
      const verdicts = lines
        .filter((line) => !isBlank(line))
        .map((line) => judge(verifier, tokenOf(line, args.json === true)))
      if (args.explain === true) process.stderr.write(verdicts.map(({ reason }) => `${reason}\n`).join(''))
      if (verdicts.some(({ valid }) => !valid)) code = 1
      await print(verdicts.map(({ answer }) => `${JSON.stringify(answer)}\n`).join(''))
    }
    return code
  },
})
