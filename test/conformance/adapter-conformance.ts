import { describe } from 'vitest'
import { columnOf } from '../conformance-table-suites.ts'
import { behaviourScenarios } from './adapter/behaviours.ts'
import { carrierScenarios } from './adapter/carriers.ts'
import { cookieScenarios } from './adapter/cookies.ts'
import { credentialScenarios } from './adapter/credentials.ts'
import { csrfScenarios } from './adapter/csrf.ts'
import { hookScenarios } from './adapter/hooks.ts'
import { hostileScenarios } from './adapter/hostile.ts'
import { mountingScenarios } from './adapter/mounting.ts'
import { placementScenarios } from './adapter/placement.ts'
import { principalScenarios } from './adapter/principals.ts'
import { questionScenarios } from './adapter/questions.ts'
import { renewalScenarios } from './adapter/renewal.ts'
import { requirementScenarios } from './adapter/requirements.ts'
import { revocationScenarios } from './adapter/revocation.ts'
import { tokenScenarios } from './adapter/tokens.ts'
import { wordingScenarios } from './adapter/wording.ts'
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
    renewalScenarios(serve)
    carrierScenarios(serve)
    behaviourScenarios(serve)
    cookieScenarios(serve)
    csrfScenarios(serve)
    questionScenarios(serve)
    hookScenarios(serve)
    wordingScenarios(serve)
  })
}
