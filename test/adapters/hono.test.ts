import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { honoAuth } from '../../src/adapters/hono.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { bearer, createBed } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { direct } from '../conformance/exchange.ts'
import { serveHono, serveHonoOnNode } from '../conformance/serve-hono.ts'

adapterConformance('hono', serveHono)
adapterConformance('hono on node:http', serveHonoOnNode)

const { auth, accessToken } = createBed(serveHono)
const { protect, principal } = honoAuth(auth)

test('fits a Hono whose variables have types of their own, and gives the caller as one of them', async () => {
  interface Variables {
    readonly user: number
    readonly principal: Principal<Claims, Permission>
  }
  const app = new Hono<{ Variables: Variables }>().get('/:id', protect(), (context) =>
    context.json({ role: context.var.principal.claims.role, isSame: context.get('principal') === principal(context) }),
  )
  new Hono<{ Variables: { readonly user: number } }>().use(protect())
  const { send } = direct((request) => app.fetch(request))
  const { text } = await send({ path: '/1', headers: [bearer(await accessToken())] })
  expect(JSON.parse(text)).toEqual({ role: 'clerk', isSame: true })
})
