import { describe } from 'vitest'
import { columnOf } from '../conformance-table-suites.ts'
import { behaviourScenarios } from './adapter/behaviours.ts'
import { credentialScenarios } from './adapter/credentials.ts'
import { hostileScenarios } from './adapter/hostile.ts'
import { mountingScenarios } from './adapter/mounting.ts'
import { placementScenarios } from './adapter/placement.ts'
import { principalScenarios } from './adapter/principals.ts'
import { requirementScenarios } from './adapter/requirements.ts'
import { revocationScenarios } from './adapter/revocation.ts'
import { tokenScenarios } from './adapter/tokens.ts'
import type { Serve } from './serve.ts'

/** The promises of every adapter, once: request to exact answer, and whether the handler was entered. */
export const adapterConformance = (name: string, serve: Serve): void => {
  describe(name, columnOf('adapters', name), () => {
    credentialScenarios(serve)
    tokenScenarios(serve)
    revocationScenarios(serve)
    requirementScenarios(serve)
    principalScenarios(serve)
    placementScenarios(serve)
    mountingScenarios(serve)
    hostileScenarios(serve)
    behaviourScenarios(serve)
  })
}
