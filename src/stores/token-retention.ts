import type { Seconds } from '../core/duration.ts'
import type { TokenRecord } from '../ports/token-register.ts'

/** How far the clock of the process that issued a token may be behind the store's. */
const CLOCK_DISTANCE: Seconds = 300

/** How long a token that never expires by itself is remembered. */
const LONGEST_MEMORY: Seconds = 365 * 86_400

/** NumericDate by the store's clock from which on a record counts as none. */
export const retainedUntil = ({ issuedAt, expiresAt }: Pick<TokenRecord, 'issuedAt' | 'expiresAt'>): Seconds =>
  (expiresAt ?? issuedAt + LONGEST_MEMORY) + CLOCK_DISTANCE
