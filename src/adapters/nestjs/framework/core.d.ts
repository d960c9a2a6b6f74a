/** The part of `@nestjs/core` that is used here; see common.d.ts. */

export declare const APP_FILTER: string

export declare const APP_GUARD: string

export declare class HttpAdapterHost {
  readonly httpAdapter: { use(middleware: object): unknown }
}

export declare class Reflector {
  get(key: string | symbol, target: Function): unknown
}
