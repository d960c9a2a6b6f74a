import { test } from 'vitest'
import { revocationLogConformance } from '../../../src/testing/revocation-log-conformance.ts'
import { sessionStoreConformance } from '../../../src/testing/session-store-conformance.ts'
import { singleUseConformance } from '../../../src/testing/single-use-conformance.ts'
import { tokenRegisterConformance } from '../../../src/testing/token-register-conformance.ts'
import { userDirectoryConformance } from '../../../src/testing/user-directory-conformance.ts'
import { describePostgres, DRIVERS, usePostgres } from '../postgres-server.ts'

describePostgres.each(DRIVERS)('PostgreSQL through %s', (driver) => {
  const { open } = usePostgres({ driver, max: 20 })
  const name = `postgres, ${driver}`

  sessionStoreConformance(test, name, open)
  revocationLogConformance(test, name, open)
  tokenRegisterConformance(test, name, open)
  singleUseConformance(test, name, open)
  userDirectoryConformance(test, name, async () => (await open()).store.users)
})
