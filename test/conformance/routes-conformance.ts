import { describe } from 'vitest'
import { columnOf } from '../conformance-table-suites.ts'
import type { Ground } from './routes/bed.ts'
import { bodyScenarios } from './routes/bodies.ts'
import { deliveryScenarios } from './routes/delivering.ts'
import { dispatchScenarios } from './routes/dispatch.ts'
import { forgeryScenarios } from './routes/forging.ts'
import { leavingScenarios } from './routes/leaving.ts'
import { aliasScenarios } from './routes/naming.ts'
import { passwordScenarios } from './routes/password.ts'
import { peopleScenarios } from './routes/people.ts'
import { publishingScenarios } from './routes/publishing.ts'
import { reauthenticationScenarios } from './routes/reauthenticating.ts'
import { createRecord } from './routes/record.ts'
import { refreshScenarios } from './routes/refreshing.ts'
import { registerScenarios } from './routes/registering.ts'
import { documentationScenarios, refusalScenarios } from './routes/refusing.ts'
import { signInScenarios } from './routes/sign-in.ts'
import { signUpScenarios } from './routes/sign-up.ts'
import { signOutScenarios } from './routes/signing-out.ts'
import { ticketScenarios } from './routes/tickets.ts'
import { tokenEndpointScenarios } from './routes/token-endpoint.ts'
import { wordingScenarios } from './routes/wording.ts'

type Parts = Omit<Ground, 'record' | 'after'>

/** The promises of the ready-made endpoints, once: over any store, and in any framework. */
export const routesConformance = (name: string, parts: Parts): void => {
  describe(name, columnOf('endpoints', name), () => {
    const ground: Ground = { ...parts, after: 'nothing', record: createRecord() }
    signUpScenarios(ground)
    signInScenarios(ground)
    tokenEndpointScenarios(ground)
    refreshScenarios(ground)
    reauthenticationScenarios(ground)
    signOutScenarios(ground)
    passwordScenarios(ground)
    peopleScenarios(ground)
    deliveryScenarios(ground)
    forgeryScenarios(ground)
    leavingScenarios(ground)
    registerScenarios(ground)
    ticketScenarios(ground)
    aliasScenarios(ground)
    wordingScenarios(ground)
    publishingScenarios(ground)
    dispatchScenarios(ground)
    bodyScenarios(ground)
    refusalScenarios(ground)
    documentationScenarios(ground)
  })
}

/** Those of them that hang on bodies, once more behind what has read the body before. */
export const routesBehindParsers = (name: string, parts: Parts): void => {
  describe(`${name}, behind body parsers`, columnOf('endpointsBehindParsers', name), () => {
    const ground: Ground = { ...parts, after: 'body parsers', record: createRecord() }
    signInScenarios(ground)
    tokenEndpointScenarios(ground)
    refreshScenarios(ground)
    signOutScenarios(ground)
    deliveryScenarios(ground)
    leavingScenarios(ground)
    dispatchScenarios(ground)
  })
}
