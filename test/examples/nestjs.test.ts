import { auth } from '../../examples/nestjs/auth.ts'
import { seedExample } from './seed-suite.ts'

seedExample({ folder: 'nestjs', auth, main: () => import('../../examples/nestjs/main.ts') })
