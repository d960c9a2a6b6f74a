import type { EndReason } from '../core/session/session.ts'

/** What happened; ids only, never a token, secret or password. */
export type AuthEvent =
  | { readonly type: 'session.created'; readonly subject: string; readonly sessionId: string }
  | {
      readonly type: 'session.refreshed'
      readonly subject: string
      readonly sessionId: string
      readonly generation: number
    }
  | {
      readonly type: 'refresh.replayed' | 'refresh.replayed_late' | 'refresh.recovered' | 'refresh.reused'
      readonly subject: string
      readonly sessionId: string
      readonly generation: number
    }
  | { readonly type: 'session.ended'; readonly subject: string; readonly sessionId: string; readonly reason: EndReason }
  | { readonly type: 'session.suspended' | 'session.resumed'; readonly subject: string; readonly sessionId: string }
  | {
      readonly type: 'token.revoked' | 'token.restored' | 'token.renewed'
      readonly subject: string
      readonly tokenId: string
    }
  | { readonly type: 'subject.revoked'; readonly subject: string }
  | { readonly type: 'everything.revoked' }
  | { readonly type: 'user.created'; readonly subject: string }
  | { readonly type: 'signin.succeeded' | 'password.changed'; readonly subject: string }
  | { readonly type: 'signin.failed'; readonly subject: string | null }
  /** Something of the operator's failed (a store, a hook, the application's directory) and was answered as 503. */
  | { readonly type: 'failure'; readonly at: string; readonly error: unknown }

/** Is told of every event after it has happened. What it throws is dropped: it cannot undo anything. */
export type EventSink = (event: AuthEvent) => void
