import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

const HOST = '127.0.0.1'

/**
 * What happens to bytes on their way: they pass; they pass late; they are held back until the line passes again, as where
 * packets are lost; or they vanish for good, as where a firewall has forgotten the connection.
 */
export type Line = 'pass' | 'hold' | 'swallow' | { readonly delayMs: number }

/** A line between processes and a server that can be disturbed. */
export interface Proxy {
  readonly host: string
  readonly port: number
  /** From now on, on open connections as on new ones. */
  set(line: Line): void
  /** Breaks every open connection with a reset. */
  cut(): void
  /** Refuses new connections, or takes them again. */
  accept(isOpen: boolean): void
  close(): Promise<void>
}

export interface Address {
  readonly host: string
  readonly port: number
}

interface Pair {
  /** Sends on what was held back. */
  release(): void
  destroy(): void
}

/** Bytes of one direction, in order whatever happens to the line meanwhile. */
const forward = (from: Socket, to: Socket, lineNow: () => Line) => {
  let held: Buffer[] = []
  let isDoomed = false
  /** Nothing overtakes what is late. */
  let lastDueMs = 0

  const send = (bytes: Buffer): void => {
    if (!to.destroyed) to.write(bytes)
  }

  from.on('data', (bytes: Buffer) => {
    const line = lineNow()
    // A stream with a hole in it is none: whatever was swallowed once, the rest is too.
    if (line === 'swallow') isDoomed = true
    if (isDoomed) return
    if (line === 'hold' || held.length > 0) {
      held.push(bytes)
      return
    }
    const now = performance.now()
    const delayMs = typeof line === 'object' ? line.delayMs : 0
    lastDueMs = Math.max(lastDueMs, now + delayMs)
    if (lastDueMs <= now) send(bytes)
    else setTimeout(() => send(bytes), lastDueMs - now)
  })
  return {
    release: (): void => {
      const sent = held
      held = []
      for (const bytes of sent) send(bytes)
    },
  }
}

const join = (client: Socket, { host, port }: Address, lineNow: () => Line): Pair => {
  const server = createConnection(port, host)
  const destroy = (): void => {
    client.resetAndDestroy()
    server.resetAndDestroy()
  }
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.setNoDelay(true)
    one.on('error', () => other.destroy())
    // Where nothing passes, an end does not either.
    one.on('end', () => {
      if (lineNow() === 'pass') other.end()
    })
    one.on('close', () => {
      if (lineNow() === 'pass') other.destroy()
    })
  }
  const directions = [forward(client, server, lineNow), forward(server, client, lineNow)]
  return {
    release: () => {
      for (const direction of directions) direction.release()
    },
    destroy,
  }
}

/** Opens a line to whatever `target` names at each new connection. */
export const openProxy = async (target: () => Address): Promise<Proxy> => {
  let line: Line = 'pass'
  let isOpen = true
  const pairs = new Map<Socket, Pair>()
  const server = createServer((client) => {
    if (!isOpen) {
      client.resetAndDestroy()
      return
    }
    pairs.set(
      client,
      join(client, target(), () => line),
    )
    client.once('close', () => pairs.delete(client))
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  const cut = (): void => {
    for (const pair of pairs.values()) pair.destroy()
    pairs.clear()
  }
  return {
    host: HOST,
    port,
    set: (next) => {
      line = next
      if (line !== 'hold' && line !== 'swallow') for (const pair of pairs.values()) pair.release()
    },
    cut,
    accept: (accepts) => {
      isOpen = accepts
    },
    close: async () => {
      cut()
      server.close()
      if (server.listening) await once(server, 'close')
    },
  }
}
