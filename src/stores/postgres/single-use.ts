import { StoreError } from '../../core/errors.ts'
import type { SingleUse } from '../../ports/single-use.ts'
import type { Database } from './database.ts'
import { toMilliseconds } from './values.ts'

const OPERATION = 'spending an identifier'

/** What is spent, in its PostgreSQL table. */
export const postgresSingleUse = ({ call }: Database): SingleUse => ({
  spend: async ({ id, retention }) => {
    const answer = await call(OPERATION, 'spend', [id, toMilliseconds(retention)])
    if (typeof answer === 'boolean') return answer
    throw new StoreError(OPERATION, new Error('the answer is no boolean'))
  },
})
