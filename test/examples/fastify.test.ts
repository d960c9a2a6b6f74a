import { auth } from '../../examples/fastify/app.ts'
import { seedExample } from './seed-suite.ts'

seedExample({ folder: 'fastify', auth, main: () => import('../../examples/fastify/main.ts') })
