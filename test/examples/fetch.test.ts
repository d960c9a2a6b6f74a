import { auth } from '../../examples/fetch/app.ts'
import { seedExample } from './seed-suite.ts'

seedExample({ folder: 'fetch', auth, main: () => import('../../examples/fetch/main.ts') })
