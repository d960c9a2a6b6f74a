export { createRevocationSet, lostEpochs, subjectEntry } from '../core/session/revocation-set.ts'
export type {
  EpochChange,
  MemberChange,
  RevocableToken,
  RevocationChange,
  RevocationEntry,
  RevocationSet,
} from '../core/session/revocation-set.ts'
export {
  beginSession,
  byRecency,
  ended,
  EPOCH_RETENTION,
  isLive,
  MAX_SESSION_LIFETIME,
  nextEpoch,
  overflow,
  suspended,
} from '../core/session/lifecycle.ts'
export { decideRotation, isOutdated } from '../core/session/rotation.ts'
export type {
  Presentation,
  RotationDecision,
  RotationOutcome,
  RotationPolicy,
  RotationSnapshot,
} from '../core/session/rotation.ts'
export type { RevocationLog, RevocationPage, TokenRevocation } from '../ports/revocation-log.ts'
export type {
  Creation,
  CreationPolicy,
  Ending,
  NewSession,
  RevocationPolicy,
  Rotation,
  SessionReference,
  SessionStore,
} from '../ports/session-store.ts'
export type { SingleUse, Spending } from '../ports/single-use.ts'
export type { TokenPage, TokenQuery, TokenRecord, TokenRegister } from '../ports/token-register.ts'
export { localSessionStore } from './local-session-store.ts'
export type { LocalTables } from './local-session-store.ts'
export { retainedUntil } from './token-retention.ts'
