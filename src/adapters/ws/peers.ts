import type { Duplex } from 'node:stream'
import type { NodeRequest } from '../node-http.ts'

/** The parts that are needed here of Node's upgrade requests, and of the `WebSocketServer` and sockets of ws. */

export interface UpgradeRequest extends NodeRequest {
  /** Changed where a token stands among the subprotocols, so that none is ever answered with it. */
  readonly headers: { [name: string]: string | string[] | undefined }
}

/** What a listener of `upgrade` is given besides the request. */
export type UpgradeListener<Req> = (request: Req, socket: Duplex, head: Buffer) => void

export interface WsSocket {
  readonly readyState: number
  close(code: number, reason: string): void
  terminate(): void
  pause(): void
  resume(): void
  emit(event: string, ...parts: readonly unknown[]): boolean
  on(event: 'close' | 'error', listener: () => void): unknown
}

/** Made with `{ noServer: true }`; with a `path`, requests for others are left to others. */
export interface WsServer<Socket extends WsSocket, Req> {
  shouldHandle(request: NoInfer<Req>): boolean | Promise<boolean>
  handleUpgrade(request: Req, socket: Duplex, head: Buffer, callback: (socket: Socket, request: Req) => void): void
  on(event: 'headers', listener: (headers: string[], request: NoInfer<Req>) => void): unknown
}

/** `readyState` of a socket that can send. */
export const OPEN = 1
