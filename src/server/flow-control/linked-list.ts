/** What may stand in one list at a time. */
export interface Link<T> {
  next: T | undefined;
  previous: T | undefined;
}

/** Items in the order they came, any of which can be taken out at once. */
export class LinkedList<T extends Link<T>> {
  #first: T | undefined;
  #last: T | undefined;
  length = 0;

  get first(): T | undefined {
    return this.#first;
  }

  push(item: T): void {
    item.previous = this.#last;
    item.next = undefined;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.length += 1;
  }

  remove(item: T): void {
    if (item.previous === undefined) this.#first = item.next;
    else item.previous.next = item.next;
    if (item.next === undefined) this.#last = item.previous;
    else item.next.previous = item.previous;
    item.previous = undefined;
    item.next = undefined;
    this.length -= 1;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let item = this.#first; item !== undefined; item = item.next) yield item;
  }
}
