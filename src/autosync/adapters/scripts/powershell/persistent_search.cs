// The control of LDAP persistent searches, for scripts that listen to a directory themselves. C# 5.
using System;
using System.DirectoryServices.Protocols;

namespace Lithnet.Miiserver.AutoSync
{
    [Flags]
    public enum PersistentSearchChangeType { None = 0, Add = 1, Delete = 2, Modify = 4, ModDN = 8, All = 15 }

    public class PersistentSearchOptions
    {
        public PersistentSearchChangeType ChangeTypes { get; set; }
        public bool ChangesOnly { get; set; }
        public bool ReturnEntryChangeNotificationControls { get; set; }

        public PersistentSearchOptions() : this(PersistentSearchChangeType.All) { }
        public PersistentSearchOptions(PersistentSearchChangeType changeTypes) : this(changeTypes, true, true) { }
        public PersistentSearchOptions(PersistentSearchChangeType changeTypes, bool changesOnly, bool returnEntryChangeNotificationControls)
        {
            ChangeTypes = changeTypes;
            ChangesOnly = changesOnly;
            ReturnEntryChangeNotificationControls = returnEntryChangeNotificationControls;
        }

        internal byte[] Encoded()
        {
            return BerConverter.Encode("{ibb}", (int)ChangeTypes, ChangesOnly, ReturnEntryChangeNotificationControls);
        }
    }

    public class PersistentSearchControl : DirectoryControl
    {
        public PersistentSearchControl() : this(new PersistentSearchOptions()) { }
        public PersistentSearchControl(PersistentSearchChangeType changeTypes) : this(new PersistentSearchOptions(changeTypes)) { }
        public PersistentSearchControl(PersistentSearchOptions options)
            : base("2.16.840.1.113730.3.4.3", options.Encoded(), true, true) { }
    }
}
