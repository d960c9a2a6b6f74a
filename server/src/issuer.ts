import type { AddressInfo } from 'node:net'
import { ConfigError } from 'jotward'
import { errorCode } from './error-code.ts'
import { fileRemedy } from './file-remedy.ts'
import { keptFile } from './kept-file.ts'
import { issuerUrl } from './setting-parsers.ts'

/** Addresses that stand for every address of the machine, and so can be nobody's destination. */
const WILDCARDS = new Set(['0.0.0.0', '::'])

/** Whether only this machine can reach an address or host. */
export const isLoopback = (host: string): boolean => /^(?:127\.[\d.]+|::1|localhost)$/i.test(host)

/** The URL at which a listening server is reached from its own machine. */
export const localUrl = ({ address, family, port }: AddressInfo): string => {
  if (WILDCARDS.has(address)) return `http://localhost:${port}`
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/**
 * The issuer kept in a file, written at the first start: where it changes, every session and token of before ends, so
 * another port or host must not change it.
 *
 * @throws ConfigError where it cannot be read or written, or is not an issuer
 */
export const keptIssuer = (file: string, first: string): string => {
  let text: string
  try {
    text = keptFile(file, () => `${first}\n`).trim()
  } catch (cause) {
    const code = errorCode(cause)
    const problem = `the issuer cannot be read or made (${code}); ${fileRemedy(code, 'see to its disk')}`
    throw new ConfigError([{ path: file, problem }])
  }
  const parsed = text === '' ? { problem: 'the file is empty; write the issuer of before into it' } : issuerUrl(text)
  if ('problem' in parsed) throw new ConfigError([{ path: file, problem: parsed.problem }])
  return parsed.value
}
