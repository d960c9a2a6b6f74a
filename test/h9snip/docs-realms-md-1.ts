import express from 'express'
import { createAuth, memoryStore, realms } from 'jotward'
import { expressAuth } from 'jotward/express'
import { authRoutes } from 'jotward/routes'
import { z } from 'zod'

const staff = createAuth({
  issuer: 'https://staff.example.com',
  audience: 'https://api.example.com',
  keys: { secret: process.env['STAFF_SECRET'] ?? '' },
  store: memoryStore(),
  accessToken: { claims: z.object({ desk: z.number() }) },
  permissions: { names: ['orders:read', 'staff:list'] },
})
const customers = createAuth({
  issuer: 'https://shop.example.com',
  audience: 'https://api.example.com',
  keys: { secret: process.env['SHOP_SECRET'] ?? '' },
  store: memoryStore(),
  permissions: { names: ['orders:read'] },
})

const { protect, principal } = expressAuth(realms(staff, customers))
const { mount } = expressAuth(customers)

const app = express()
app.use(mount(authRoutes(customers)))
app.get('/orders', protect({ permissions: ['orders:read'] }), (request, response) => {
  const { issuer, subject } = principal(request)
  response.json({ issuer, subject })
})
app.listen(3000)

export {}
