/** A program with Nest as a user types it, decorators applied as functions. It is compiled, and never run. */
import { type CanActivate, type ExceptionFilter, UseGuards } from '@nestjs/common'
import {
  type Guest,
  guestAuth,
  guestpassErrors,
  type HttpRequest,
  type TokenVerifier,
  type WithGuest,
} from 'guestpass/nest'

declare const gp: TokenVerifier
interface OwnRequest extends WithGuest {
  readonly session: { readonly guestId: string }
}

export const guard: CanActivate = guestAuth(gp, { scopes: ['a'], subject: (request) => request.params['guestId'] })
export const own: CanActivate = guestAuth<OwnRequest>(gp, { subject: (request) => request.session.guestId })
export const filter: ExceptionFilter = guestpassErrors()
export const decorator: ClassDecorator & MethodDecorator = UseGuards(guestAuth(gp))
export const provider = { provide: 'APP_GUARD', useFactory: (verifier: TokenVerifier) => guestAuth(verifier) }
export const show = (request: HttpRequest): Guest | undefined => request.guest

// @ts-expect-error: a guest may be absent.
export const wrong = (request: HttpRequest): Guest => request.guest
// @ts-expect-error: not an option.
guestAuth(gp, { scope: ['a'] })
