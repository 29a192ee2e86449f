/**
 * Another process has taken over what was about to be sent: the lease is lost, or the stored row is another
 * one by now. It never reaches a caller: the work looks at the store again and plans anew. No layer repeats
 * it.
 */
export class Superseded extends Error {
  override readonly name = 'Superseded'

  constructor() {
    super('Another process has taken over.')
  }
}
