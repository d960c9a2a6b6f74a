import { test } from 'vitest'
import { revocationLogConformance } from '../../../src/testing/revocation-log-conformance.ts'
import { sessionStoreConformance } from '../../../src/testing/session-store-conformance.ts'
import { singleUseConformance } from '../../../src/testing/single-use-conformance.ts'
import { tokenRegisterConformance } from '../../../src/testing/token-register-conformance.ts'
import { describeRedis } from '../redis-server.ts'
import { CLIENTS, openRedisStore, useClients } from './redis-under-test.ts'

describeRedis('Redis', () => {
  const clientOf = useClients()

  for (const name of CLIENTS) {
    const open = () => openRedisStore(clientOf(name))
    sessionStoreConformance(test, name, open)
    revocationLogConformance(test, name, open)
    tokenRegisterConformance(test, name, open)
    singleUseConformance(test, name, open)
  }
})
