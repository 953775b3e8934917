"""Performance: the PnL of fills and the results of closed positions, by currency and group.

    summed    one row a group: the sums over its fills, numbered by `g`
    curve     one row a fill: the running net PnL, and how far it is below its highest so far
    slots     the PnL of short stretches of time, which bars and the days of any time zone consist of
    bars      one row for each hour, day, week or month with a fill
    points    the fills or bars that are shown, thinned out where there are too many
    fallen    one row a group: the deepest drawdown
    daily     one row a group: the daily values behind Sharpe and Sortino
    traded    one row a group: the sums over its closed positions

`statement` adds the parts that the selection needs, no more. Sums over whole days in UTC are read from kept totals; a
drawdown is always that of the fills.
"""
