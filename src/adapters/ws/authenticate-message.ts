import { isJsonObject, parseStrictJson } from '../../core/token/json.ts'
import type { WsMessage } from './message-gate.ts'

/** The longest token that may be configured, and what stands around it. */
const MAX_BYTES = 66_000

const MARK = '"authenticate"'

/** Of a text that ws hands over; it does so as a buffer, or as pieces where it was told to. */
const textOf = ([data, isBinary]: WsMessage): Uint8Array | null => {
  if (isBinary === true || !(data instanceof Uint8Array) || data.byteLength > MAX_BYTES) return null
  return data
}

/** What a message says of the caller: a token, that it is of the kind and holds none, or nothing. */
export type AuthenticateMessage = { readonly token: string | null } | null

/** Reads `{"type":"authenticate","token":"…"}`; any other message is the application's. */
export const readAuthenticateMessage = (message: WsMessage): AuthenticateMessage => {
  const text = textOf(message)
  // Most messages are none, and need not be parsed to see it.
  if (text === null || !Buffer.from(text.buffer, text.byteOffset, text.byteLength).includes(MARK)) return null
  const value = parseStrictJson(text, { maxDepth: 2 })
  if (!isJsonObject(value) || value['type'] !== 'authenticate') return null
  const { token } = value
  return { token: typeof token === 'string' ? token : null }
}
