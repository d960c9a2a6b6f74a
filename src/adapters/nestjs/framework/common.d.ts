/**
 * The part of `@nestjs/common` that is used here, for the build: a fresh clone builds without development dependencies,
 * and NestJS is one (`paths` of tsconfig.build.json). Tests are compiled against NestJS itself, and hold this to it.
 */

import type { NestClass, NestContext, NestDecorator, NestGuard } from '../types.ts'

export declare class HttpException extends Error {
  constructor(response: string | object, status: number)
  getResponse(): string | object
  getStatus(): number
}

export declare function Catch(exception: abstract new (refusal: never) => Error): ClassDecorator

export declare function Inject(
  token: string | symbol | (abstract new (...values: never[]) => unknown),
): PropertyDecorator & ParameterDecorator

export declare function Injectable(): ClassDecorator

export declare function Module(metadata: Readonly<Record<string, never>>): ClassDecorator

export declare function SetMetadata(key: symbol, value: unknown): NestDecorator

export declare function UseGuards(...guards: (NestGuard | NestClass)[]): NestDecorator

export declare function createParamDecorator(
  factory: (data: unknown, context: NestContext) => unknown,
): () => ParameterDecorator
