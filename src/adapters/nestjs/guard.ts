import { Inject, Injectable, SetMetadata, UseGuards } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import type { Guarding } from '../../auth.ts'
import type { MaybePromise } from '../../core/maybe-promise.ts'
import type { Verdict } from '../../core/request/guard.ts'
import type { Requirement } from '../../core/request/requirement.ts'
import { sendRenewed } from '../node-cookies.ts'
import { nodeRequestView } from '../node-http.ts'
import { tellTemplates } from '../principals.ts'
import type { Principals } from '../principals.ts'
import { nodeRequest, nodeResponse } from './platform.ts'
import { refuse } from './refusal.ts'
import type { NestContext, NestDecorator, NestGuard, NestGuardClass } from './types.ts'

const reflector = new Reflector()

/** Where `@UseGuards()` writes down the guards of a controller or a route. */
const GUARDS = '__guards__'

const isAttached = (guard: NestGuard, target: Function): boolean => {
  const guards: unknown = reflector.get(GUARDS, target)
  return Array.isArray(guards) && guards.some((entry) => entry === guard || entry === guard.constructor)
}

/** A guard that cannot tell where it stands might open what it was to guard, so a NestJS that has moved them is refused. */
const checkPlace = (): void => {
  const probe: NestGuard = { canActivate: () => true }
  const route = (): NestGuard => probe
  UseGuards(probe)(route)
  if (!isAttached(probe, route)) throw new Error('This NestJS keeps guards in a place that is not known.')
}

/** Who is let through without a look: decided by where a guard stands, and where `@Public()` does. */
interface Exemption {
  readonly Public: () => NestDecorator
  readonly isExempt: (guard: NestGuard, context: NestContext) => boolean
}

/**
 * `@Public()` stands back before whatever is nearer: on a route it opens what its controller or the application
 * guards, on a controller what the application guards. A guard beside it, or nearer to the handler, holds.
 */
const createExemption = (): Exemption => {
  checkPlace()
  const key = Symbol('public')
  return {
    Public: () => SetMetadata(key, true),
    isExempt: (guard, context) => {
      const handler = context.getHandler()
      if (isAttached(guard, handler)) return false
      if (reflector.get(key, handler) === true) return true
      const controller = context.getClass()
      return reflector.get(key, controller) === true && !isAttached(guard, controller)
    },
  }
}

/** What a guard does with a request of its own. */
const createJudge = <Claims, P extends string>(
  auth: Guarding<Claims, P>,
  requirement: Requirement<P, Claims> | undefined,
  principals: Principals<Claims, P>,
): NestGuard['canActivate'] => {
  const guard = auth.guard(requirement)
  return (context) => {
    if (context.getType() !== 'http') throw new Error(`Only HTTP is guarded, and this is ${context.getType()}.`)
    const http = context.switchToHttp()
    const request = http.getRequest()
    const act = (verdict: Verdict<Claims, P>): boolean => {
      if ('refusal' in verdict) return refuse(context, verdict.refusal)
      principals.set(nodeRequest(request), verdict.principal)
      const response = http.getResponse()
      tellTemplates(response, verdict.principal)
      sendRenewed(nodeResponse(response), verdict.cookies)
      return true
    }
    const verdict = guard(nodeRequestView(nodeRequest(request), { body: request.body, parameters: request.params }))
    return verdict instanceof Promise ? verdict.then(act) : act(verdict)
  }
}

/** What the guards of a realm are: classes, for which NestJS has the `Auth` under `token`. */
interface Guards<Claims, P extends string> {
  readonly Public: () => NestDecorator
  readonly guardClass: (requirement?: Requirement<P, Claims>) => NestGuardClass
}

export const createGuards = <Claims, P extends string>(
  token: symbol,
  principals: Principals<Claims, P>,
): Guards<Claims, P> => {
  const { Public, isExempt } = createExemption()
  const guardClass = (requirement?: Requirement<P, Claims>): NestGuardClass => {
    class ProtectGuard {
      readonly #judge: NestGuard['canActivate']

      constructor(auth: Guarding<Claims, P>) {
        this.#judge = createJudge(auth, requirement, principals)
      }

      canActivate(context: NestContext): MaybePromise<boolean> {
        return isExempt(this, context) || this.#judge(context)
      }
    }
    Inject(token)(ProtectGuard, undefined, 0)
    Injectable()(ProtectGuard)
    // Whoever makes an instance gives it what `Inject` names.
    return ProtectGuard as NestGuardClass
  }
  return { Public, guardClass }
}
