import { Catch, HttpException } from '@nestjs/common'
import type { Refusal } from '../../core/request/refusal.ts'
import { writeRefusal } from '../node-http.ts'
import type { NodeResponse } from '../node-http.ts'
import type { NestHost } from './types.ts'

/** A refusal as NestJS knows it: filters of the application see its status and its body like those of any other. */
class RefusalException extends HttpException {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    // What a refusal holds is JSON of our own making.
    const body = JSON.parse(refusal.body) as { readonly error_description: string }
    super(body, refusal.status)
    this.refusal = refusal
    this.message = body.error_description
  }
}

/**
 * Refuses by throwing. The headers are on the response by then, so that whichever filter answers, one of the
 * application's own included, the challenge goes out with the status.
 */
export const refuse = (host: NestHost, refusal: Refusal): never => {
  const response = host.switchToHttp().getResponse()
  for (const [name, value] of Object.entries(refusal.headers)) {
    // Of what type the body is, whoever writes it knows best.
    if (name !== 'content-type') response.header(name, value)
  }
  throw new RefusalException(refusal)
}

interface FastifyReply {
  code(status: number): unknown
  header(name: string, value: string): unknown
  send(payload: Uint8Array): unknown
}

const isFastify = (response: object): response is FastifyReply => 'raw' in response

/**
 * Answers a refusal to the letter, where NestJS's own filter would add a charset that JSON does not have (RFC 8259 §11).
 * Filters of routes, of controllers and of `useGlobalFilters` come before it, as NestJS orders them.
 */
export class RefusalFilter {
  catch({ refusal }: RefusalException, host: NestHost): void {
    const response: object = host.switchToHttp().getResponse()
    if (isFastify(response)) {
      response.code(refusal.status)
      response.header('content-type', 'application/json')
      // Bytes: to text Fastify adds a charset too.
      response.send(Buffer.from(refusal.body))
    } else {
      // Express's response is Node's.
      writeRefusal(response as NodeResponse, refusal)
    }
  }
}

Catch(RefusalException)(RefusalFilter)
