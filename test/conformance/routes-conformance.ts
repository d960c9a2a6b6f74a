import { describe } from 'vitest'
import { createRecord } from './routes/record.ts'
import type { Ground } from './routes/bed.ts'
import { refreshScenarios } from './routes/refreshing.ts'
import { signInScenarios } from './routes/sign-in.ts'
import { signUpScenarios } from './routes/sign-up.ts'
import { tokenEndpointScenarios } from './routes/token-endpoint.ts'

/** The promises of the ready-made endpoints, once: over any store, and in any framework. */
export const routesConformance = (name: string, parts: Omit<Ground, 'record'>): void => {
  describe(name, () => {
    const ground: Ground = { ...parts, record: createRecord() }
    signUpScenarios(ground)
    signInScenarios(ground)
    tokenEndpointScenarios(ground)
    refreshScenarios(ground)
  })
}
