import type { WsSocket } from './peers.ts'

/** What a socket emits with `message`: data, and whether it is binary. */
export type WsMessage = readonly unknown[]

/**
 * Messages that wait for a decision. The other side is stopped at once, but what of it has been read already still comes:
 * a chunk of 64 KiB, or what that was before it was compressed.
 */
const MAX_HELD = 1024
const MAX_HELD_BYTES = 1_048_576

export interface MessageGate {
  /** Holds everything that comes back until `decision` is settled; then it goes on in order. */
  hold(decision: Promise<void>): void
  /** Lets nothing through from now on. */
  shut(): void
}

export interface GateKeeper {
  /** Judges a message; true lets it through to the application. May hold the gate. */
  judge(message: WsMessage): boolean
  /** Is told when more came than can wait. */
  overflow(): void
}

const bytesOf = ([data]: WsMessage): number => {
  if (Array.isArray(data)) return data.reduce<number>((sum, part: unknown) => sum + bytesOf([part]), 0)
  return data instanceof Uint8Array || data instanceof ArrayBuffer ? data.byteLength : 0
}

/**
 * Stands between a socket and whoever listens to its messages, in whatever way: listeners, `onmessage`, streams and
 * iterators all hang on `emit`. A frame that comes after a close frame was sent would be emitted all the same (the
 * other side may never answer the close), so that a caller who was thrown out could still be heard.
 */
export const createMessageGate = (socket: WsSocket, keeper: GateKeeper): MessageGate => {
  const emit = socket.emit.bind(socket)
  let held: WsMessage[] = []
  let heldBytes = 0
  let isHolding = false
  let isShut = false

  const pass = (message: WsMessage): boolean => keeper.judge(message) && emit('message', ...message)

  const keep = (message: WsMessage): void => {
    held.push(message)
    heldBytes += bytesOf(message)
    if (held.length > MAX_HELD || heldBytes > MAX_HELD_BYTES) keeper.overflow()
  }

  const receive = (message: WsMessage): boolean => {
    if (isShut) return false
    if (!isHolding) return pass(message)
    keep(message)
    return true
  }

  /** In order, until there are none, or one of them closes the gate again. */
  const passHeld = (): void => {
    const next = isShut || isHolding ? undefined : held.shift()
    if (next === undefined) return
    heldBytes -= bytesOf(next)
    pass(next)
    passHeld()
  }

  const release = (): void => {
    isHolding = false
    passHeld()
    if (!isHolding) socket.resume()
  }

  Object.assign(socket, {
    emit: (event: string, ...parts: readonly unknown[]): boolean =>
      event === 'message' ? receive(parts) : emit(event, ...parts),
  })

  return {
    hold: (decision) => {
      isHolding = true
      // What has been read already still comes; beyond it the other side has to wait.
      socket.pause()
      void decision.finally(release)
    },
    shut: () => {
      isShut = true
      held = []
      // Or the answer to a close frame would not be read.
      socket.resume()
    },
  }
}
