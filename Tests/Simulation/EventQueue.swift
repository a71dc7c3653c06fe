public import Timing

/// Things that will happen, by time; those of one moment in the order they were added.
public struct EventQueue<Event> {
    private struct Entry {
        var time: Instant
        var order: Int
        var event: Event

        func isBefore(_ other: Entry) -> Bool {
            (time, order) < (other.time, other.order)
        }
    }

    /// A binary heap: no entry is before its parent.
    private var heap: [Entry] = []
    private var added = 0

    /// Nothing will happen.
    public init() {}

    /// When the next thing happens; nil for never.
    public var next: Instant? { heap.first?.time }
    /// Things waiting.
    public var count: Int { heap.count }

    /// Adds an event.
    public mutating func add(_ event: Event, at time: Instant) {
        added += 1
        heap.append(Entry(time: time, order: added, event: event))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the earliest event.
    public mutating func pop() -> (time: Instant, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return (first.time, first.event) }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [parent * 2 + 1, parent * 2 + 2] where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            guard least != parent else { break }
            heap.swapAt(least, parent)
            parent = least
        }
        return (first.time, first.event)
    }
}
