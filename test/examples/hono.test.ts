import { auth } from '../../examples/hono/app.ts'
import { seedExample } from './seed-suite.ts'

seedExample({ folder: 'hono', auth, main: () => import('../../examples/hono/main.ts') })
