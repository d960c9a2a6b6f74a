import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Refusal } from '../../core/request/refusal.ts'

/** How long a client may take to read a refusal. */
const LINGER_MS = 5_000

const headerLines = ({ headers, cookies, body }: Refusal): readonly string[] => [
  ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ...cookies.map((cookie) => `set-cookie: ${cookie}`),
  `content-length: ${Buffer.byteLength(body)}`,
  'connection: close',
]

/**
 * Answers an upgrade request with an HTTP response that refuses it (RFC 6455 §4.2.2), and closes the connection. What
 * the client still sends is read and dropped: a connection that is closed upon unread bytes is reset, and the answer
 * with it.
 */
export const refuseUpgrade = (socket: Duplex, refusal: Refusal): void => {
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, body } = refusal
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...headerLines(refusal), '', ''].join('\r\n')
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(timer))
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]))
  socket.resume()
}
