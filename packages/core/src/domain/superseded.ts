/**
 * Somebody else has taken over what was about to be sent: the lease is lost, or the stored row is another one by now. It never
 * reaches a caller: the one who acts looks again and plans anew. Nothing repeats it.
 */
export class Superseded extends Error {
  override readonly name = 'Superseded'

  constructor() {
    super('Another process has taken over.')
  }
}
